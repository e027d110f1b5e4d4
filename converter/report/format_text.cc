#include "converter/report/format_text.h"

namespace intvit {
namespace {

class Words {
 public:
  void add(const std::string& what) { text_ += (text_.empty() ? "" : ", ") + what; }
  void add(std::uint32_t count, const std::string& what) { add(std::to_string(count) + " " + what); }
  void add_if(bool is, const std::string& what) {
    if (is) add(what);
  }
  void add_weights(const LinearConstants& linear) { add(std::to_string(linear.bits) + "-bit weights"); }
  void add_planes(std::uint32_t planes) { add_if(planes == 2, "two byte planes"); }
  void add_grain(const ResidualGrain& grain) {
    if (grain.any()) add("residual of " + std::to_string(2 * (grain.limit + 1)) + " codes");
  }
  // Codes, or values in finer units for an encode operation.
  void add_result(const Program& program, BufferId dst, std::uint32_t max_code) {
    if (program.buffers[dst].type == DataType::u8) add(max_code + 1, "codes");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

struct Describe {
  const Program& program;
  Words& words;

  void operator()(const PatchEmbedOp& op) const {
    words.add_weights(op.linear);
    words.add_grain(op.grain);
  }
  void operator()(const LayerNormOp& op) const { words.add_result(program, op.dst, op.max_code); }
  void operator()(const LinearOp& op) const {
    words.add_weights(op.linear);
    words.add_planes(op.planes);
    if (op.kind == LinearKind::codes || op.kind == LinearKind::activation) {
      words.add_result(program, op.dst, op.max_code);
    }
    words.add_grain(op.grain);
  }
  void operator()(const AttentionOp& op) const {
    constexpr const char* kKinds[] = {"exponential", "relative", "absolute"};
    words.add(std::string(kKinds[op.softmax_kind]) + " softmax");
    if (op.softmax_kind != 0) {
      words.add(op.levels, "levels");
      words.add_if(op.groups > 1, std::to_string(op.groups) + " groups of rows");
      words.add_planes(op.planes);
    }
    words.add_result(program, op.dst, op.max_code);
  }
  void operator()(const MeanRowsOp&) const {}
  void operator()(const EncodeOp& op) const {
    switch (op.kind) {
      case EncodeOpKind::table:
        words.add("table of " + std::to_string(op.levels) + " levels");
        break;
      case EncodeOpKind::tokens:
        words.add("a scale per token");
        break;
      case EncodeOpKind::dynamic_tokens:
        words.add("a dynamic scale per token");
        break;
      case EncodeOpKind::channel_groups:
        words.add(op.groups, "groups of channels");
        break;
    }
    if (op.kind != EncodeOpKind::table) {
      words.add(op.max_code + 1, "codes");
      words.add_if(op.outlier < 32767, "outliers aside");
    }
    words.add_planes(op.planes);
  }
};

}  // namespace

std::string format_text(const Op& op, const Program& program) {
  Words words;
  std::visit(Describe{program, words}, op);
  return words.take();
}

}  // namespace intvit
