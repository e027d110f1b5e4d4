/* Real values in C, made by the application: the library computes with integers. They may need -lm. Part of
 * intvit/intvit.h, which includes this. */
#ifndef INTVIT_INTVIT_VALUES_H
#define INTVIT_INTVIT_VALUES_H

#include <math.h>

#include "intvit/intvit.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline double intvit_unit(const intvit_output* output) {
  return ldexp((double)output->mantissa, (int)output->exponent);
}

/* The real value at a place, in row r and column c; NaN where there is no such place. */
static inline double intvit_value(const intvit_output* output, int32_t row, int32_t column) {
  int32_t integer = 0;
  size_t place;
  if (row < 0 || row >= output->rows || column < 0 || column >= output->columns) return (double)NAN;
  place = (size_t)row * output->stride + (size_t)column;
  switch (output->type) {
    case INTVIT_U8:
      integer = ((const uint8_t*)output->data)[place];
      break;
    case INTVIT_S8:
      integer = ((const int8_t*)output->data)[place];
      break;
    case INTVIT_S16:
      integer = ((const int16_t*)output->data)[place];
      break;
    case INTVIT_S32:
      integer = ((const int32_t*)output->data)[place];
      break;
    default:
      return (double)NAN;
  }
  return ((double)integer - (double)output->zero) * intvit_unit(output);
}

/* All of them, row after row; `values` has rows * columns places. */
static inline void intvit_copy_values(const intvit_output* output, float* values) {
  int32_t row, column;
  for (row = 0; row < output->rows; ++row) {
    for (column = 0; column < output->columns; ++column) *values++ = (float)intvit_value(output, row, column);
  }
}

/* Softmax of logits in `unit`. */
static inline void intvit_softmax(const int32_t* logits, size_t count, double unit, double* probabilities) {
  double sum = 0;
  int32_t largest = count > 0 ? logits[0] : 0;
  size_t i;
  for (i = 1; i < count; ++i) largest = logits[i] > largest ? logits[i] : largest;
  for (i = 0; i < count; ++i) sum += probabilities[i] = exp(((double)logits[i] - (double)largest) * unit);
  for (i = 0; i < count; ++i) probabilities[i] /= sum;
}

/* The L2 norm of all real values. */
static inline double intvit_l2_norm(const intvit_output* output) {
  double sum = 0;
  int32_t row, column;
  for (row = 0; row < output->rows; ++row) {
    for (column = 0; column < output->columns; ++column) {
      const double value = intvit_value(output, row, column);
      sum += value * value;
    }
  }
  return sqrt(sum);
}

/* Of every class for picture `index` of the last run, softmax or sigmoids as the model has it, also where classes are
 * told by texts (zero-shot). `capacity` is at least intvit_model_classes(model), else this is an
 * INTVIT_INVALID_ARGUMENT without a text; the session is one of this model. */
static inline intvit_status intvit_probabilities(const intvit_model* model, const intvit_session* session,
                                                 int32_t index, double* probabilities, size_t capacity) {
  intvit_logit_rule rule = INTVIT_LOGIT_RULE_INIT;
  const int32_t* logits = NULL;
  size_t count = 0, i;
  double unit, bias;
  intvit_status status = intvit_model_logit_rule(model, &rule);
  if (status == INTVIT_OK) status = intvit_session_logits(session, index, &logits, &count);
  if (status != INTVIT_OK) return status;
  if (count > capacity) return INTVIT_INVALID_ARGUMENT;
  unit = ldexp(1.0, -(int)rule.fraction_bits);
  if (rule.divisor >= 0) {
    intvit_output output = INTVIT_OUTPUT_INIT;
    double norm;
    status = intvit_session_output(session, index, (size_t)rule.divisor, &output);
    if (status != INTVIT_OK) return status;
    norm = intvit_l2_norm(&output);
    unit = norm > 0 ? unit / norm : 0;
  }
  if (!rule.sigmoid) {
    intvit_softmax(logits, count, unit, probabilities);
    return INTVIT_OK;
  }
  bias = rule.bias_exponent < 0 ? (double)rule.bias_mantissa / pow(10, -(double)rule.bias_exponent)
                                : (double)rule.bias_mantissa * pow(10, (double)rule.bias_exponent);
  for (i = 0; i < count; ++i) probabilities[i] = 1 / (1 + exp(-((double)logits[i] * unit + bias)));
  return INTVIT_OK;
}

/* With which probability a query looks at a key; NaN where there is no such place. */
static inline double intvit_attention_probability(const intvit_attention* attention, int32_t window, int32_t head,
                                                  int32_t query, int32_t key) {
  size_t row;
  if (window < 0 || window >= attention->windows || head < 0 || head >= attention->heads || query < 0 ||
      query >= attention->queries || key < 0 || key >= attention->keys) {
    return (double)NAN;
  }
  row = ((size_t)window * (size_t)attention->heads + (size_t)head) * (size_t)attention->queries + (size_t)query;
  if (attention->divisors[row] == 0) return 0;
  return (double)attention->weights[row * (size_t)attention->keys + (size_t)key] / (double)attention->divisors[row];
}

#ifdef __cplusplus
}
#endif

#endif
