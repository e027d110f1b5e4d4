#include "tests/engine/generated_options.h"

namespace intvit::test {
namespace {

std::uint32_t number(Random& random, std::int64_t low, std::int64_t high) {
  return static_cast<std::uint32_t>(random.integer(low, high));
}

// As tests/engine/tiny_encode.h can make it: lists beside one plane, and no table has them.
std::optional<TinyEncoding> encoding(Random& random) {
  if (random.chance(50)) return std::nullopt;
  TinyEncoding e;
  e.kind = static_cast<EncodeKind>(number(random, 0, static_cast<int>(EncodeKind::table_with_outliers)));
  e.planes = number(random, 1, 2);
  e.max_code = (1u << number(random, 2, 8)) - 1;
  e.groups = number(random, 1, 12);
  const bool table = e.kind == EncodeKind::table || e.kind == EncodeKind::table_with_outliers;
  if (!table && e.planes == 1 && random.chance(40)) e.aside = number(random, 1, 24);
  return e;
}

TinySoftmax softmax(Random& random) {
  TinySoftmax s;
  s.kind = static_cast<SoftmaxKind>(number(random, 0, static_cast<int>(SoftmaxKind::absolute)));
  s.levels = random.chance(50) ? number(random, 2, 40) : number(random, 2, 256);
  s.planes = number(random, 1, 2);
  if (s.kind == SoftmaxKind::absolute) s.groups = number(random, 1, 6);
  return s;
}

}  // namespace

TinyOptions generated_options(Random& random) {
  constexpr std::uint32_t kBits[] = {8, 8, 4, 3, 2};
  TinyOptions o;
  o.seed = random.next();
  o.patch = number(random, 1, 8);
  o.edge = o.patch * number(random, 1, random.chance(20) ? 9 : 4);
  o.heads = number(random, 1, 4);
  o.rotated = random.chance(25);
  o.channels = o.heads * number(random, 1, 20) * (o.rotated ? 2 : 1);
  o.hidden = number(random, 1, 90);
  o.blocks = number(random, 1, 2);
  o.classes = number(random, 1, 40);
  o.weight_bits = kBits[random.integer(0, 4)];
  o.head = static_cast<TinyHead>(number(random, 0, static_cast<int>(TinyHead::two_tokens)));
  o.max_code = random.chance(70) ? 255 : 15;
  o.normed = encoding(random);
  o.attended = encoding(random);
  o.hidden_codes = encoding(random);
  o.softmax = softmax(random);
  o.coarse_steps = random.chance(30);
  o.sets = random.chance(40);
  if (o.sets && random.chance(50)) o.local = number(random, 1, 9);
  o.apart = random.chance(25);
  o.gated = random.chance(30);
  o.conv = random.chance(30);
  o.normed_heads = random.chance(25);
  return o;
}

}  // namespace intvit::test
