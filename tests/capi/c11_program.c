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

static const char* look_at_attention(const intvit_model* model, const intvit_session* session) {
  intvit_attention_layer layer = INTVIT_ATTENTION_LAYER_INIT;
  intvit_attention attention = INTVIT_ATTENTION_INIT;
  intvit_attention_token tokens[64];
  double sum = 0;
  size_t count;
  int32_t key;
  EXPECT(intvit_model_attention_count(model) == 1);
  EXPECT(intvit_model_attention(model, 0, &layer) == INTVIT_OK && strcmp(layer.name, "blocks.0.attn") == 0);
  EXPECT(layer.windows == 1 && layer.heads == 2 && layer.queries == layer.keys && layer.tokens == layer.keys);
  EXPECT(intvit_model_attention(model, 1, &layer) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strstr(intvit_last_error(), "attention layer 1 does not exist; the model has 1") != NULL);
  count = (size_t)layer.windows * (size_t)layer.keys;
  EXPECT(count <= 64 && intvit_model_attention_tokens(model, 0, tokens, count) == INTVIT_OK);
  EXPECT(tokens[0].token == 0 && tokens[0].x == -1 && tokens[count - 1].y == layer.grid_height - 1);
  EXPECT(intvit_model_attention_tokens(model, 0, tokens, count + 1) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_attention(session, 1, 0, &attention) == INTVIT_OK && attention.keys == layer.keys);
  for (key = 0; key < layer.keys; ++key) sum += intvit_attention_probability(&attention, 0, 1, 2, key);
  EXPECT(sum > 0.999999 && sum < 1.000001);
  EXPECT(isnan(intvit_attention_probability(&attention, 1, 0, 0, 0)));
  EXPECT(isnan(intvit_attention_probability(&attention, 0, 0, 0, layer.keys)));
  EXPECT(intvit_session_attention(session, 2, 0, &attention) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_attention(session, 0, 1, &attention) == INTVIT_INVALID_ARGUMENT);
  return NULL;
}

/* Rows of grey, the last but one of which may not come. */
typedef struct {
  uint8_t row[90];
  int given, fails_at;
} Rows;

static intvit_status next_row(void* context, const uint8_t** row) {
  Rows* rows = context;
  if (rows->given == rows->fails_at) return INTVIT_IO;
  memset(rows->row, 7 * ++rows->given, sizeof rows->row);
  *row = rows->row;
  return INTVIT_OK;
}

static const char* set_rows(intvit_session* session) {
  static uint8_t rgb[20 * 90];
  static uint8_t first[64 * 64 * 3];
  intvit_rows rows = INTVIT_ROWS_INIT;
  intvit_pixels pixels = INTVIT_PIXELS_INIT;
  Rows source = {{0}, 0, -1};
  uint8_t* place = NULL;
  size_t size = 0, i;
  for (i = 0; i < 20; ++i) memset(rgb + 90 * i, (int)(7 * (i + 1)), 90);
  pixels.pixels = rgb;
  rows.width = pixels.width = 30;
  rows.height = pixels.height = 20;
  pixels.stride = 90;
  EXPECT(intvit_session_set_picture_rows(session, 0, &rows) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strcmp(intvit_last_error(), "next_row is NULL") == 0);
  rows.next_row = next_row;
  rows.context = &source;
  EXPECT(intvit_session_input(session, 0, &place, &size) == INTVIT_OK && size <= sizeof first);
  EXPECT(intvit_session_set_picture(session, 0, &pixels) == INTVIT_OK);
  memcpy(first, place, size);
  memset(place, 0, size);
  EXPECT(intvit_session_set_picture_rows(session, 0, &rows) == INTVIT_OK && source.given <= 20);
  EXPECT(memcmp(first, place, size) == 0);
  source.given = 0;
  source.fails_at = 4;
  EXPECT(intvit_session_set_picture_rows(session, 0, &rows) == INTVIT_IO);
  EXPECT(strcmp(intvit_last_error(), "row 4 of the picture: next_row failed with status 3 (io)") == 0);
  rows.height = 0;
  EXPECT(intvit_session_set_picture_rows(session, 0, &rows) == INTVIT_INVALID_ARGUMENT);
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
  const char* wrong;
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
  wrong = look_at_attention(model, session);
  if (wrong == NULL) wrong = look_at_outputs(session);
  return wrong;
}

const char* c11_use_model(const uint8_t* bytes, size_t size) {
  intvit_session_options options = INTVIT_SESSION_OPTIONS_INIT;
  intvit_model* model = NULL;
  intvit_session* session = NULL;
  uint64_t memory = 0;
  const char* wrong;
  static const int32_t no_layer = 1, first_layer = 0;
  EXPECT(strcmp(intvit_version(), INTVIT_VERSION_STRING) == 0);
  EXPECT(strcmp(intvit_available_isa(0), "scalar") == 0 && intvit_available_isa(100) == NULL);
  EXPECT(intvit_model_from_memory(bytes, size, "c11", NULL, &model) == INTVIT_OK && model != NULL);
  wrong = look_at_model(model);
  if (wrong != NULL) return wrong;
  options.threads = 2;
  options.batch = 2;
  options.isa = "scalar";
  options.attention_layer_count = 1;
  EXPECT(intvit_session_create(model, &options, &session) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strcmp(intvit_last_error(), "attention_layers is NULL") == 0);
  options.attention_layers = &no_layer;
  EXPECT(intvit_session_create(model, &options, &session) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strcmp(intvit_last_error(), "attention layer 1 does not exist; the model has 1, counted from 0") == 0);
  options.attention_layers = &first_layer;
  EXPECT(intvit_session_memory(model, &options, &memory) == INTVIT_OK && memory > 0);
  EXPECT(intvit_session_create(model, &options, &session) == INTVIT_OK && session != NULL);
  wrong = use_session(session, model);
  intvit_model_close(model); /* the session keeps what it needs */
  if (wrong == NULL) wrong = intvit_session_run(session, 2) == INTVIT_OK ? look_at_outputs(session) : "no second run";
  if (wrong == NULL) wrong = set_rows(session);
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
  EXPECT(intvit_session_set_picture_rows(NULL, 0, NULL) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_session_attention(NULL, 0, 0, NULL) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strcmp(intvit_last_error(), "the session is NULL") == 0);
  EXPECT(intvit_model_attention(NULL, 0, NULL) == INTVIT_INVALID_ARGUMENT && intvit_model_attention_count(NULL) == 0);
  EXPECT(intvit_model_attention_tokens(NULL, 0, NULL, 0) == INTVIT_INVALID_ARGUMENT);
  EXPECT(intvit_model_logit_rule(NULL, NULL) == INTVIT_INVALID_ARGUMENT);
  EXPECT(strcmp(intvit_last_error(), "the model is NULL") == 0);
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
