#include "tests/engine/tiny_options.h"

namespace intvit::test {

TinyOptions with_encoding(const TinyEncoding& encoding) {
  TinyOptions options;
  options.normed = encoding;
  return options;
}

std::vector<TinyVariant> plain_variants() {
  TinyOptions plain, mean, two, nibbles;
  mean.head = TinyHead::mean;
  two.head = TinyHead::two_tokens;
  nibbles.weight_bits = 4;
  nibbles.blocks = 2;
  // 65 tokens and two blocks: enough rows for seven threads to be at different operations of one chain.
  const TinyOptions larger = {7, 32, 4, 36, 3, 70, 2, 23};
  return {{"plain", plain}, {"mean", mean}, {"two tokens", two}, {"4-bit weights", nibbles}, {"larger", larger}};
}

std::vector<TinyVariant> encoded_variants() {
  // Codes of few bits hide what one token takes from the others, hence the mean of all as the head where they are few.
  // As many channels as vector kernels need, and more hidden ones than a thread encodes by groups at a time.
  TinyOptions base;
  base.channels = 40;
  base.hidden = 70;

  TinyOptions tables = base;
  tables.head = TinyHead::mean;
  tables.normed = {EncodeKind::table, 1, 15};
  tables.attended = {EncodeKind::table, 2, 62};
  tables.hidden_codes = {EncodeKind::table, 2, 255};

  TinyOptions tokens = base;
  tokens.weight_bits = 4;
  tokens.normed = {EncodeKind::rows, 2, 15};
  tokens.attended = {EncodeKind::rows, 1, 63};
  tokens.hidden_codes = {EncodeKind::rows, 2, 255};

  TinyOptions groups = base;
  groups.head = TinyHead::two_tokens;
  groups.normed = {EncodeKind::columns, 2, 15, 4};
  groups.attended = {EncodeKind::columns, 1, 31, 1};
  groups.hidden_codes = {EncodeKind::columns, 2, 15, 9};

  TinyOptions dynamic = base;
  dynamic.head = TinyHead::mean;
  dynamic.normed = {EncodeKind::dynamic_rows, 1, 15};
  dynamic.attended = {EncodeKind::dynamic_rows, 2, 255};
  dynamic.hidden_codes = {EncodeKind::dynamic_rows, 2, 7};

  TinyOptions relative = base;
  relative.softmax = {SoftmaxKind::relative, 16, 2, 1};
  relative.coarse_steps = true;

  TinyOptions absolute = base;
  absolute.head = TinyHead::mean;
  absolute.softmax = {SoftmaxKind::absolute, 40, 1, 3};
  absolute.attended = {EncodeKind::rows, 1, 15};

  TinyOptions four_bits = base;
  four_bits.head = TinyHead::two_tokens;
  four_bits.weight_bits = 4;
  four_bits.max_code = 15;
  four_bits.softmax = {SoftmaxKind::relative, 16, 1, 1};

  TinyOptions everything = {7, 32, 4, 36, 3, 70, 2, 23, 4, TinyHead::mean};
  everything.normed = {EncodeKind::dynamic_rows, 2, 15};
  everything.attended = {EncodeKind::columns, 1, 15, 6};
  everything.hidden_codes = {EncodeKind::table, 2, 15};
  everything.softmax = {SoftmaxKind::absolute, 200, 2, 4};
  everything.coarse_steps = true;
  everything.max_code = 15;

  return {{"tables", tables},     {"tokens", tokens},     {"channel groups", groups}, {"dynamic tokens", dynamic},
          {"relative", relative}, {"absolute", absolute}, {"four bits", four_bits},   {"everything", everything}};
}

std::vector<TinyVariant> op_set_2_variants() {
  std::vector<TinyVariant> all = plain_variants();
  for (const TinyVariant& variant : encoded_variants()) all.push_back(variant);
  return all;
}

std::vector<TinyVariant> newer_variants() {
  TinyOptions gated, gated_few;
  gated.hidden = 70;  // more than two vectors, and a rest
  gated.gated = true;
  gated_few = {7, 32, 4, 36, 3, 70, 2, 23, 4, TinyHead::mean};
  gated_few.hidden_codes = {EncodeKind::columns, 2, 15, 9};
  gated_few.max_code = 15;
  gated_few.gated = true;
  TinyOptions token_and_mean;
  token_and_mean.head = TinyHead::token_and_mean;
  TinyOptions sets, apart = {7, 32, 4, 36, 3, 70, 2, 23};
  sets.sets = true;
  sets.channels = 40;
  sets.head = TinyHead::mean;
  apart.apart = true;
  apart.head = TinyHead::mean;
  TinyOptions both = apart;
  both.sets = true;
  both.max_code = 15;
  both.softmax = {SoftmaxKind::absolute, 40, 2, 3};
  both.attended = {EncodeKind::rows, 1, 15};
  // 325 tokens, more than a block of a chain has, in 25 sets; and with as many heads as make their shares uneven.
  TinyOptions local = {7, 72, 4, 12, 3, 16, 1, 23};
  local.sets = true;
  local.local = 13;
  local.head = TinyHead::mean;
  TinyOptions single = local;
  single.edge = 32;
  single.local = 1;
  TinyOptions convolved = {7, 20, 4, 36, 3, 70, 1, 23, 4};
  convolved.conv = true;
  // Lists with room for all and for few, some of them never read (the head's).
  TinyOptions aside = {7, 32, 4, 40, 2, 70, 2, 23, 4}, groups_aside = {7, 32, 4, 36, 3, 70, 1, 23};
  aside.normed = {EncodeKind::rows, 1, 15, 5, 3};
  aside.attended = {EncodeKind::uniform, 1, 15, 5, 40};
  aside.hidden_codes = {EncodeKind::dynamic_rows, 1, 15, 5, 7};
  // Tables whose outliers are on the grid, of every way to search.
  TinyOptions tables_with_outliers = {7, 32, 4, 40, 2, 70, 2, 23};
  tables_with_outliers.normed = {EncodeKind::table_with_outliers, 1, 15};
  tables_with_outliers.attended = {EncodeKind::table_with_outliers, 2, 62};
  tables_with_outliers.hidden_codes = {EncodeKind::table_with_outliers, 2, 255};
  groups_aside.head = TinyHead::mean;
  groups_aside.normed = {EncodeKind::columns, 1, 15, 4, 255};
  groups_aside.attended = {EncodeKind::uniform, 2};
  groups_aside.hidden_codes = {EncodeKind::columns, 1, 31, 9, 2};
  return {{"gated", gated},      {"gated, few bits", gated_few}, {"token and mean", token_and_mean},
          {"sets", sets},        {"queries apart", apart},       {"sets, queries apart", both},
          {"local sets", local}, {"sets of one row", single},    {"convolved", convolved},
          {"aside", aside},      {"groups aside", groups_aside}, {"tables with outliers", tables_with_outliers}};
}

std::vector<TinyVariant> head_variants() {
  TinyOptions normed = {7, 32, 4, 36, 3, 70, 2, 23}, normed_few = normed;
  normed.normed_heads = true;
  normed_few.normed_heads = true;
  normed_few.max_code = 15;
  normed_few.head = TinyHead::mean;
  TinyOptions rotated = {7, 32, 4, 72, 2, 70, 2, 23},
              rotated_few = rotated;  // 18 pairs: a vector of AVX2's, and a rest
  rotated.rotated = true;
  rotated_few.rotated = true;
  rotated_few.max_code = 15;
  rotated_few.head = TinyHead::mean;
  return {{"normed heads", normed},
          {"normed heads, few bits", normed_few},
          {"rotated", rotated},
          {"rotated, few bits", rotated_few}};
}

std::vector<TinyVariant> few_bits_variants() {
  // More columns than are unpacked at once, and a rest.
  TinyOptions three = {7, 32, 4, 36, 3, 70, 2, 23, 3}, two = three;
  two.weight_bits = 2;
  two.head = TinyHead::two_tokens;
  two.conv = true;
  two.max_code = 15;
  TinyOptions planes = three;
  planes.normed = {EncodeKind::rows, 2, 255};
  planes.coarse_steps = true;
  TinyOptions aside = three;
  aside.normed = {EncodeKind::rows, 1, 15, 5, 3};
  aside.hidden_codes = {EncodeKind::uniform, 1, 15, 5, 7};
  return {{"3-bit weights", three},
          {"2-bit weights", two},
          {"3-bit weights, two planes", planes},
          {"3-bit weights, aside", aside}};
}

std::vector<TinyVariant> all_variants() {
  std::vector<TinyVariant> all = op_set_2_variants();
  for (const TinyVariant& variant : newer_variants()) all.push_back(variant);
  for (const TinyVariant& variant : head_variants()) all.push_back(variant);
  for (const TinyVariant& variant : few_bits_variants()) all.push_back(variant);
  return all;
}

}  // namespace intvit::test
