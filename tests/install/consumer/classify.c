/* classify MODEL PICTURE: prints the most probable class's logit and name. */
#include <stdio.h>

#include "intvit/intvit.h"
#include "intvit/intvit_picture.h"

static int fail(void) {
  fprintf(stderr, "%s\n", intvit_last_error());
  return 1;
}

int main(int argc, char** argv) {
  intvit_model* model = NULL;
  intvit_session* session = NULL;
  intvit_output output = INTVIT_OUTPUT_INIT;
  intvit_class best;
  size_t count = 0;
  double probability[1];
  if (argc != 3) return 2;
  if (intvit_model_open(argv[1], NULL, &model) != INTVIT_OK) return fail();
  if (intvit_session_create(model, NULL, &session) != INTVIT_OK) return fail();
  if (intvit_session_set_picture_file(session, 0, argv[2], NULL) != INTVIT_OK) return fail();
  if (intvit_session_run(session, 1) != INTVIT_OK) return fail();
  if (intvit_session_top_k(session, 0, &best, 1, &count) != INTVIT_OK) return fail();
  if (intvit_session_output(session, 0, 0, &output) != INTVIT_OK) return fail();
  intvit_softmax(&best.logit, 1, intvit_unit(&output), probability); /* calls the C library's mathematics */
  printf("%d %s\n", (int)(best.logit * probability[0]), intvit_model_label(model, best.class_index));
  intvit_session_close(session);
  intvit_model_close(model);
  return 0;
}
