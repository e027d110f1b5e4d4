// What the float network and its quantizers compute element by element, in vectors of the best instruction set that
// there is. One text over xsimd's batches (loops.h, vector_math.h) is compiled in vector_functions_<isa>.cc for each
// set.
//
// Every set with fused multiply-adds gives the same bits: elements take the same steps, and sums have sixteen parts
// whatever the length of vectors. The baseline, what every CPU of the family has, rounds twice where the others do
// once.
#pragma once

#include "intvit/isa.h"

namespace intvit {

struct LayerNormRow {
  const float* input;
  const float* gamma;
  const float* beta;
  int count;  // of the elements of each, at least 1
  float eps;
  float* output;            // may be the input
  bool centred = true;      // false: no mean is taken away
  bool accumulate = false;  // on top of what is in output
};

// Evenly spaced values: the nearest to x is scale * round(clamp(x * inverse, lowest, highest)), halves to even.
struct EvenValues {
  double inverse, scale, lowest, highest;  // inverse = 1 / scale; the ends are whole, and 0 is not beyond them
};

// The nearest of `code`, and of `grid` the nearest to that. What lies beyond `outlier` goes to the grid alone.
struct ValuesOnGrid {
  EvenValues code, grid;
  double outlier;
};

inline constexpr int kMostTableLevels = 16;

// Levels by thresholds: x gets the level whose number is that of the thresholds at or below x / divisor.
struct SmallTable {
  const double* thresholds;  // ascending
  const double* levels;      // one more
  int count;                 // of levels, at most kMostTableLevels
  double divisor;
};

// Errors are a few units in the last place of the largest term. Infinities give the limit, NaN gives NaN. x may be y.
struct VectorFunctions {
  using Map = void (*)(const float* x, int count, float* y);
  Map gelu_erf;
  Map gelu_tanh;
  Map quick_gelu;
  Map silu;
  void (*softmax_row)(float* row, int count);       // in place, count at least 1
  void (*layer_norm_row)(const LayerNormRow& row);  // (x - mean) / sqrt(variance + eps) * gamma + beta
  void (*add_product)(float factor, const float* x, int count, float* sums);  // sums[i] += factor * x[i]

  // In doubles, with the same bits in every set. What schemes make of values (converter/plan/simulate.h), and sums.
  void (*round_to_grid)(const ValuesOnGrid& values, float* row, int count);  // in place
  void (*look_up)(const SmallTable& table, const float* row, int count, double* levels);
  double (*squared_error)(const EvenValues& values, const float* x, int count);  // of x behind the nearest values
  double (*dot)(const double* a, const double* b, int count);                    // the sum of a[i] b[i]
  double (*dot_floats)(const float* a, const float* b, int count);               // likewise, in doubles
};

// Those of the best set that is built, that the CPU has and that oneDNN may use: its environment variable
// DNNL_MAX_CPU_ISA limits both, so that one machine can show what the float network gives on an older one.
const VectorFunctions& vector_functions();

// The sets of instructions that oneDNN may use here, as a number: where it is another, so may be the float network's
// last bits.
int float_instructions();

// Those of scalar (the baseline), avx2 or avx512vnni; null for a set that is not built, is not here or has none.
const VectorFunctions* vector_functions(Isa isa);

}  // namespace intvit
