#include "tests/capi/c11_program.h"

#include <stdio.h>
#include <string.h>

#include "intvit/intvit.h"

static char complaint[512];

#define TEXT_OF(x) #x
#define LINE_OF(x) TEXT_OF(x)
#define EXPECT(condition)                                                                                            \
  do {                                                                                                               \
    if (!(condition)) {                                                                                              \
      snprintf(complaint, sizeof complaint, "line " LINE_OF(__LINE__) ": %s (%s)", #condition, intvit_last_error()); \
      return complaint;                                                                                              \
    }                                                                                                                \
  } while (0)

static const char* look_at_model(const intvit_model* model) {
  intvit_input input = INTVIT_INPUT_INIT;
  intvit_port port = INTVIT_PORT_INIT;
  size_t place = 0;
  const char *key = NULL, *value = NULL;
  EXPECT(intvit_model_input(model, &input) == INTVIT_OK);
  EXPECT(input.width > 0 && input.height > 0 && input.resize_width > 0 && input.resize_height > 0);
  EXPECT(input.interpolation >= INTVIT_NEAREST && input.interpolation <= INTVIT_LANCZOS);
  EXPECT(intvit_model_output_count(model) == 4);
  EXPECT(intvit_model_output(model, 0, &port) == INTVIT_OK);
  EXPECT(strcmp(port.name, "logits") == 0 && port.kind == INTVIT_LOGITS && port.type == INTVIT_S32);
  EXPECT(port.columns == intvit_model_classes(model) && port.rows == 1);
  EXPECT(port.exponent == -intvit_model_logit_fraction_bits(model));
  EXPECT(intvit_model_find_output(model, "tokens", &place) == INTVIT_OK && place == 2);
  EXPECT(intvit_model_find_output(model, "nothing", &place) == INTVIT_NOT_FOUND);
  EXPECT(strstr(intvit_last_error(), "logits, embedding, tokens, features") != NULL);
  EXPECT(intvit_model_output(model, 4, &port) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strstr(intvit_last_error(), "output 4 does not exist; there are 4") != NULL);
  EXPECT(intvit_model_file_bytes(model) > 0 && intvit_model_digest(model) != 0);
  EXPECT(intvit_model_label(model, 0) != NULL && intvit_model_label(model, -1) == NULL);
  EXPECT(intvit_model_label(model, intvit_model_classes(model)) == NULL);
  EXPECT(intvit_model_metadata_count(model) > 0);
  EXPECT(intvit_model_metadata_entry(model, 0, &key, &value) == INTVIT_OK);
  EXPECT(strcmp(intvit_model_metadata(model, key), value) == 0);
  EXPECT(intvit_model_metadata(model, "no such key") == NULL);
  place = intvit_model_metadata_count(model);
  EXPECT(intvit_model_metadata_entry(model, place, &key, &value) == INTVIT_INVALID_ARGUMENT);
  return NULL;
}

static const char* look_at_outputs(const intvit_session* session) {
  intvit_output output = INTVIT_OUTPUT_INIT;
  const int32_t* logits = NULL;
  const int32_t* others = NULL;
  intvit_class best[3];
  double probabilities[16], sum = 0;
  float values[16];
  size_t count = 0, i;
  EXPECT(intvit_session_logits(session, 0, &logits, &count) == INTVIT_OK && count == 10);
  EXPECT(intvit_session_logits(session, 1, &others, &count) == INTVIT_OK);
  EXPECT(memcmp(logits, others, count * sizeof *logits) == 0);
  EXPECT(intvit_session_output(session, 0, 0, &output) == INTVIT_OK && output.data == logits);
  EXPECT(intvit_value(&output, 0, 3) == logits[3] * intvit_unit(&output));
  EXPECT(isnan(intvit_value(&output, 0, 10)) && isnan(intvit_value(&output, 1, 0)) &&
         isnan(intvit_value(&output, 0, -1)));
  intvit_copy_values(&output, values);
  EXPECT(values[9] == (float)intvit_value(&output, 0, 9));
  EXPECT(intvit_session_top_k(session, 0, best, 3, &count) == INTVIT_OK && count == 3);
  for (i = 0; i < 10; ++i) EXPECT(logits[i] <= best[0].logit);
  EXPECT(logits[best[2].class_index] == best[2].logit && best[1].logit >= best[2].logit);
  intvit_softmax(logits, 10, intvit_unit(&output), probabilities);
  for (i = 0; i < 10; ++i) sum += probabilities[i];
  EXPECT(sum > 0.999999 && sum < 1.000001 && probabilities[best[0].class_index] >= probabilities[best[1].class_index]);
  EXPECT(intvit_session_output(session, 0, 1, &output) == INTVIT_OK && output.type == INTVIT_U8);
  EXPECT(intvit_value(&output, 0, 2) == (((const uint8_t*)output.data)[2] - output.zero) * intvit_unit(&output));
  EXPECT(intvit_session_output(session, 0, 2, &output) == INTVIT_OK && output.type == INTVIT_S16);
  EXPECT(intvit_value(&output, 2, 1) ==
         (((const int16_t*)output.data)[2 * output.stride + 1] - output.zero) * intvit_unit(&output));
  EXPECT(intvit_session_output(session, 0, 4, &output) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_output(session, 2, 0, &output) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strstr(intvit_last_error(), "picture 2 does not exist; the session's batch is 2") != NULL);
  return NULL;
}

static const char* use_session(intvit_session* session, const intvit_model* model) {
  intvit_pixels pixels = INTVIT_PIXELS_INIT;
  intvit_input input = INTVIT_INPUT_INIT;
  static uint8_t grey[20 * 32];
  uint8_t *first = NULL, *second = NULL;
  size_t size = 0, i;
  for (i = 0; i < sizeof grey; ++i) grey[i] = (uint8_t)(i * 7);
  pixels.pixels = grey;
  pixels.width = 30;
  pixels.height = 20;
  pixels.stride = 32;
  pixels.format = INTVIT_GREY;
  EXPECT(intvit_session_set_picture(session, 0, &pixels) == INTVIT_OK);
  EXPECT(intvit_session_input(session, 0, &first, &size) == INTVIT_OK);
  EXPECT(intvit_model_input(model, &input) == INTVIT_OK);
  EXPECT(size == (size_t)input.width * (size_t)input.height * 3);
  EXPECT(intvit_session_set_input(session, 1, first, size) == INTVIT_OK);
  EXPECT(intvit_session_input(session, 1, &second, NULL) == INTVIT_OK && memcmp(first, second, size) == 0);
  EXPECT(intvit_session_set_input(session, 1, first, size - 1) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_set_input(session, 2, first, size) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_run(session, 2) == INTVIT_OK);
  EXPECT(intvit_session_run(session, 0) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_run(session, 3) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_threads(session) == 2 && intvit_session_batch(session) == 2);
  EXPECT(strcmp(intvit_session_isa(session), "scalar") == 0);
  return look_at_outputs(session);
}

const char* c11_use_model(const uint8_t* bytes, size_t size) {
  intvit_session_options options = INTVIT_SESSION_OPTIONS_INIT;
  intvit_model* model = NULL;
  intvit_session* session = NULL;
  uint64_t memory = 0;
  const char* wrong;
  EXPECT(strcmp(intvit_version(), INTVIT_VERSION_STRING) == 0);
  EXPECT(strcmp(intvit_available_isa(0), "scalar") == 0 && intvit_available_isa(100) == NULL);
  EXPECT(intvit_model_from_memory(bytes, size, "c11", NULL, &model) == INTVIT_OK && model != NULL);
  wrong = look_at_model(model);
  if (wrong != NULL) return wrong;
  options.threads = 2;
  options.batch = 2;
  options.isa = "scalar";
  EXPECT(intvit_session_memory(model, &options, &memory) == INTVIT_OK && memory > 0);
  EXPECT(intvit_session_create(model, &options, &session) == INTVIT_OK && session != NULL);
  wrong = use_session(session, model);
  intvit_model_close(model); /* the session keeps what it needs */
  if (wrong == NULL) wrong = intvit_session_run(session, 2) == INTVIT_OK ? look_at_outputs(session) : "no second run";
  intvit_session_close(session);
  return wrong;
}

const char* c11_use_nulls(void) {
  intvit_model* model = NULL;
  intvit_session* session = NULL;
  intvit_input input = INTVIT_INPUT_INIT;
  intvit_port port = INTVIT_PORT_INIT;
  intvit_output output = INTVIT_OUTPUT_INIT;
  intvit_pixels pixels = INTVIT_PIXELS_INIT;
  const char *key = NULL, *value = NULL;
  const int32_t* logits = NULL;
  uint8_t* rgb = NULL;
  uint64_t bytes = 0;
  size_t count = 0;
  EXPECT(intvit_model_open(NULL, NULL, &model) == INTVIT_INVALID_ARGUMENT && model == NULL);
  EXPECT(strcmp(intvit_last_error(), "the model's path is NULL") == 0);
  EXPECT(intvit_model_open("model.bin", NULL, NULL) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_model_open("no such model.bin", NULL, &model) == INTVIT_NOT_FOUND && model == NULL);
  EXPECT(strstr(intvit_last_error(), "no such model.bin") != NULL);
  EXPECT(intvit_model_from_memory(NULL, 10, NULL, NULL, &model) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_model_from_memory("no model", 8, NULL, NULL, &model) == INTVIT_CORRUPT_FILE && model == NULL);
  EXPECT(strstr(intvit_last_error(), "model 'memory'") != NULL);
  EXPECT(intvit_model_input(NULL, &input) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_model_output(NULL, 0, &port) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_model_find_output(NULL, "logits", &count) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_model_metadata_entry(NULL, 0, &key, &value) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_model_output_count(NULL) == 0 && intvit_model_classes(NULL) == 0);
  EXPECT(intvit_model_logit_fraction_bits(NULL) == 0 && intvit_model_label(NULL, 0) == NULL);
  EXPECT(intvit_model_metadata(NULL, "labels") == NULL && intvit_model_metadata_count(NULL) == 0);
  EXPECT(intvit_model_file_bytes(NULL) == 0 && intvit_model_digest(NULL) == 0);
  EXPECT(strcmp(intvit_last_error(), "the model is NULL") == 0);
  EXPECT(intvit_session_memory(NULL, NULL, &bytes) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_create(NULL, NULL, &session) == INTVIT_INVALID_ARGUMENT && session == NULL);
  EXPECT(intvit_session_create(NULL, NULL, NULL) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_isa(NULL) == NULL && intvit_session_threads(NULL) == 0 && intvit_session_batch(NULL) == 0);
  EXPECT(intvit_session_set_picture(NULL, 0, &pixels) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strcmp(intvit_last_error(), "the session is NULL") == 0);
  EXPECT(intvit_session_set_input(NULL, 0, (const uint8_t*)"", 1) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_input(NULL, 0, &rgb, &count) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_run(NULL, 1) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_output(NULL, 0, 0, &output) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_logits(NULL, 0, &logits, &count) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_top_k(NULL, 0, NULL, 0, &count) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strcmp(intvit_status_name(INTVIT_CORRUPT_FILE), "corrupt file") == 0);
  EXPECT(strcmp(intvit_status_name(9), "unknown status") == 0 && strcmp(intvit_status_name(-1), "unknown status") == 0);
  intvit_model_close(NULL);
  intvit_session_close(NULL);
  return NULL;
}
