/* The library in C, in forty lines: the three best classes of a picture's file, with their probabilities.
 *   classify_c MODEL PICTURE */
#include <stdio.h>
#include <stdlib.h>

#include "intvit/intvit_picture.h"

/* Ends the program with the library's own words. */
static void need(intvit_status status) {
  if (status == INTVIT_OK) return;
  fprintf(stderr, "classify_c: %s\n", intvit_last_error());
  exit(1);
}

int main(int argc, char** argv) {
  intvit_session_options options = INTVIT_SESSION_OPTIONS_INIT;
  intvit_model* model = NULL;
  intvit_session* session = NULL;
  intvit_class best[3];
  const int32_t* logits = NULL;
  double* probabilities;
  size_t classes = 0, found = 0, i;
  if (argc != 3) return fprintf(stderr, "usage: classify_c MODEL PICTURE\n"), 2;

  options.threads = 2;
  need(intvit_model_open(argv[1], NULL, &model));
  need(intvit_session_create(model, &options, &session));
  need(intvit_session_set_picture_file(session, 0, argv[2], NULL));
  need(intvit_session_run(session, 1));
  need(intvit_session_logits(session, 0, &logits, &classes));
  need(intvit_session_top_k(session, 0, best, 3, &found));

  probabilities = malloc((classes + 1) * sizeof *probabilities);
  if (probabilities == NULL) return 1;
  intvit_softmax(logits, classes, ldexp(1, -intvit_model_logit_fraction_bits(model)), probabilities);
  for (i = 0; i < found; ++i) {
    const char* label = intvit_model_label(model, best[i].class_index);
    printf("%d\t%s\t%.4f\n", (int)best[i].class_index, label != NULL ? label : "", probabilities[best[i].class_index]);
  }
  free(probabilities);
  intvit_session_close(session);
  intvit_model_close(model);
  return 0;
}
