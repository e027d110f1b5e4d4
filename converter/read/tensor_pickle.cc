#include "converter/read/tensor_pickle.h"

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "converter/read/message.h"

namespace intvit {
namespace {

constexpr std::size_t kLongestPickle = std::size_t{16} << 20, kMostSizes = 16;

struct PickledNode;

// Texts are parts of the pickle, and nodes belong to the machine: so a value is small, and what is nested or refers to
// itself costs nothing when it goes.
struct Value {
  enum class Kind { nothing, mark, number, text, global, list, dictionary, storage, tensor, other };

  Kind kind = Kind::nothing;
  std::int64_t number = 0;
  std::string_view text = {};  // of a global "module\nname"
  PickledNode* node = nullptr;
};

struct PickledNode {
  std::vector<Value> items;  // of a dictionary, keys and values in turns
  PickledTensor tensor;
};

class Machine {
 public:
  explicit Machine(std::span<const std::uint8_t> bytes)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  // False with a problem(). `result` is the value at the end; it lives as long as the machine.
  bool run(Value& result) {
    while (problem_.empty()) {
      const std::string_view code = take(1);
      if (code.empty()) break;
      if (code[0] == '.') {
        if (stack_.empty()) break;
        result = stack_.back();
        return problem_.empty();
      }
      step(static_cast<unsigned char>(code[0]));
    }
    if (problem_.empty()) fail("its pickle ends too soon");
    return false;
  }

  const std::string& problem() const { return problem_; }
  bool is_unsupported() const { return unsupported_; }

 private:
  using Kind = Value::Kind;

  void fail(const std::string& what) {
    if (problem_.empty()) problem_ = what;
  }

  // The next bytes; none if there are fewer.
  std::string_view take(std::uint64_t count) {
    if (count > text_.size() - at_) {
      fail("its pickle ends too soon");
      return {};
    }
    const std::string_view taken = text_.substr(at_, count);
    at_ += count;
    return taken;
  }

  std::uint64_t unsigned_number(std::size_t width) {
    const std::string_view bytes = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    return value;
  }

  // Two's complement of up to 8 bytes.
  void push_long(std::uint64_t width) {
    if (width > 8) return fail("its pickle has a number of more than 64 bits");
    const std::uint64_t value = unsigned_number(width);
    const bool negative = width > 0 && width < 8 && (value >> (8 * width - 1)) != 0;
    push_number(static_cast<std::int64_t>(negative ? value | ~std::uint64_t{0} << (8 * width) : value));
  }

  std::string_view line() {
    const std::size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) {
      fail("its pickle ends too soon");
      return {};
    }
    const std::string_view taken = text_.substr(at_, end - at_);
    at_ = end + 1;
    return taken;
  }

  void push(Value value) { stack_.push_back(value); }
  void push_number(std::int64_t number) { push({Kind::number, number, {}, nullptr}); }
  void push_text(std::string_view text) { push({Kind::text, 0, text, nullptr}); }

  PickledNode* push_node(Kind kind, std::vector<Value> items = {}) {
    nodes_.push_back(std::make_unique<PickledNode>());
    nodes_.back()->items = std::move(items);
    push({kind, 0, {}, nodes_.back().get()});
    return nodes_.back().get();
  }

  Value pop() {
    if (stack_.empty()) {
      fail("its pickle takes more than it has");
      return {};
    }
    const Value value = stack_.back();
    stack_.pop_back();
    return value;
  }

  std::vector<Value> pop_to_mark() {
    std::size_t mark = stack_.size();
    while (mark > 0 && stack_[mark - 1].kind != Kind::mark) --mark;
    if (mark == 0) {
      fail("its pickle lacks a mark");
      return {};
    }
    std::vector<Value> items(stack_.begin() + static_cast<std::ptrdiff_t>(mark), stack_.end());
    stack_.resize(mark - 1);
    return items;
  }

  void push_tuple(std::size_t count) {
    std::vector<Value> items(count);
    for (std::size_t i = count; i > 0; --i) items[i - 1] = pop();
    push_node(Kind::list, std::move(items));
  }

  void remember(std::uint64_t place) {
    const Value value = pop();
    memo_[place] = value;
    push(value);
  }

  void recall(std::uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) return fail("its pickle recalls what it has not remembered");
    push(found->second);
  }

  // Items into the list or dictionary that is now the last value.
  void extend(Kind kind, const std::vector<Value>& items) {
    if (stack_.empty() || stack_.back().kind != kind) return fail("its pickle puts items into what is no container");
    if (kind == Kind::dictionary && items.size() % 2 != 0) return fail("its pickle has a key without a value");
    std::vector<Value>& own = stack_.back().node->items;
    own.insert(own.end(), items.begin(), items.end());
  }

  void global() {
    const std::size_t begin = at_;
    const std::string_view module = line(), name = line();
    if (!problem_.empty()) return;
    static constexpr std::string_view kKnown[] = {"torch._utils\n_rebuild_tensor_v2",
                                                  "torch._utils\n_rebuild_parameter", "collections\nOrderedDict",
                                                  "torch\nSize"};
    const std::string_view both = text_.substr(begin, module.size() + 1 + name.size());
    bool known = module == "torch" && name.ends_with("Storage");
    for (const std::string_view one : kKnown) known = known || both == one;
    if (known) return push({Kind::global, 0, both, nullptr});
    unsupported_ = true;
    fail("its pickle asks for " + in_quotes(std::string(module) + "." + std::string(name)) +
         ", which is no part of a dictionary of tensors and is not executed; save the state_dict alone: "
         "torch.save(model.state_dict(), FILE)");
  }

  // ('storage', type, key, device, elements)
  void persistent() {
    const Value id = pop();
    if (id.kind != Kind::list || id.node->items.size() < 5) return fail("its pickle has an unknown persistent id");
    const std::vector<Value>& items = id.node->items;
    if (items[0].text != "storage" || items[1].kind != Kind::global || items[2].kind != Kind::text) {
      return fail("its pickle has a storage that is none of torch.save");
    }
    PickledNode* node = push_node(Kind::storage);
    node->tensor.storage_type = std::string(items[1].text.substr(items[1].text.find('\n') + 1));
    node->tensor.key = std::string(items[2].text);
  }

  static std::optional<std::vector<std::int64_t>> numbers(const Value& value) {
    if (value.kind != Kind::list || value.node->items.size() > kMostSizes) return std::nullopt;
    std::vector<std::int64_t> all;
    for (const Value& item : value.node->items) {
      if (item.kind != Kind::number || item.number < 0) return std::nullopt;
      all.push_back(item.number);
    }
    return all;
  }

  // (storage, offset, shape, strides, ...)
  void rebuild_tensor(const std::vector<Value>& arguments) {
    if (arguments.size() < 4 || arguments[0].kind != Kind::storage || arguments[1].kind != Kind::number ||
        arguments[1].number < 0) {
      return fail("its pickle has a tensor without a storage");
    }
    const auto shape = numbers(arguments[2]), strides = numbers(arguments[3]);
    if (!shape || !strides || shape->size() != strides->size()) {
      return fail("its pickle has a tensor whose shape or strides are no numbers, or more than 16");
    }
    PickledNode* node = push_node(Kind::tensor);
    node->tensor = arguments[0].node->tensor;
    node->tensor.offset = static_cast<std::uint64_t>(arguments[1].number);
    node->tensor.shape = *shape;
    node->tensor.strides = *strides;
  }

  // A function of the known ones and its arguments.
  void reduce() {
    const Value arguments = pop(), function = pop();
    if (function.kind != Kind::global || arguments.kind != Kind::list)
      return fail("its pickle calls what is no function");
    const std::vector<Value>& items = arguments.node->items;
    if (function.text == "torch._utils\n_rebuild_tensor_v2") return rebuild_tensor(items);
    if (function.text == "collections\nOrderedDict" && items.empty()) {
      push_node(Kind::dictionary);
    } else if (function.text == "torch._utils\n_rebuild_parameter" && !items.empty() && items[0].kind == Kind::tensor) {
      push(items[0]);
    } else if (function.text == "torch\nSize" && items.size() == 1) {
      push(items[0]);
    } else {
      fail("its pickle makes " + in_quotes(function.text) + " of unknown arguments");
    }
  }

  void step(unsigned char code) {
    switch (code) {
      case 0x80:  // PROTO
        if (const std::uint64_t version = unsigned_number(1); version < 2 || version > 3) {
          unsupported_ = true;
          fail("its pickle has protocol " + std::to_string(version) + "; torch.save's own is 2");
        }
        return;
      case '(':
        return push({Kind::mark, 0, {}, nullptr});
      case '}':
        return void(push_node(Kind::dictionary));
      case ']':
      case ')':
        return void(push_node(Kind::list));
      case 'N':
        return push({});
      case 0x88:
        return push_number(1);  // NEWTRUE
      case 0x89:
        return push_number(0);  // NEWFALSE
      case 'K':
        return push_number(static_cast<std::int64_t>(unsigned_number(1)));
      case 'M':
        return push_number(static_cast<std::int64_t>(unsigned_number(2)));
      case 'J':
        return push_long(4);
      case 0x8a:
        return push_long(unsigned_number(1));  // LONG1
      case 'G':
        return take(8), push({Kind::other, 0, {}, nullptr});
      case 'X':
        return push_text(take(unsigned_number(4)));
      case 'U':
        return push_text(take(unsigned_number(1)));
      default:
        return step_on(code);
    }
  }

  void step_on(unsigned char code) {
    switch (code) {
      case 'q':
        return remember(unsigned_number(1));
      case 'r':
        return remember(unsigned_number(4));
      case 'h':
        return recall(unsigned_number(1));
      case 'j':
        return recall(unsigned_number(4));
      case 't':
        return void(push_node(Kind::list, pop_to_mark()));
      case 0x85:
      case 0x86:
      case 0x87:
        return push_tuple(code - 0x84u);
      case 's':
        return push_tuple(2), set_item();
      case 'u':
        return extend(Kind::dictionary, pop_to_mark());
      case 'a':
        return push_tuple(1), append();
      case 'e':
        return extend(Kind::list, pop_to_mark());
      case 'c':
        return global();
      case 'Q':
        return persistent();
      case 'R':
        return reduce();
      case 'b':
        return void(pop());  // BUILD: attributes, such as the _metadata of a state_dict
      case '0':
        return void(pop());
      default:
        unsupported_ = true;
        fail("its pickle has the instruction " + std::to_string(code) +
             ", which no dictionary of tensors needs; save "
             "the state_dict alone: torch.save(model.state_dict(), FILE)");
    }
  }

  void set_item() {
    const Value pair = pop();
    if (pair.node != nullptr) extend(Kind::dictionary, pair.node->items);
  }

  void append() {
    const Value one = pop();
    if (one.node != nullptr) extend(Kind::list, one.node->items);
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Value> stack_;
  std::map<std::uint64_t, Value> memo_;
  std::vector<std::unique_ptr<PickledNode>> nodes_;
  std::string problem_;
  bool unsupported_ = false;
};

std::vector<PickledTensor> tensors_in(const Value& dictionary) {
  std::vector<PickledTensor> tensors;
  if (dictionary.kind != Value::Kind::dictionary) return tensors;
  const std::vector<Value>& items = dictionary.node->items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind != Value::Kind::text || items[i + 1].kind != Value::Kind::tensor) continue;
    tensors.push_back(items[i + 1].node->tensor);
    tensors.back().name = std::string(items[i].text);
  }
  return tensors;
}

}  // namespace

Result<TensorPickle> read_tensor_pickle(std::span<const std::uint8_t> bytes, const std::string& file) {
  const std::string where = "cannot read " + in_quotes(file) + ": ";
  if (bytes.size() > kLongestPickle) {
    return Status(Code::unsupported, where + "its pickle has " + std::to_string(bytes.size()) + " bytes; " +
                                         std::to_string(kLongestPickle) + " are allowed");
  }
  Machine machine(bytes);
  Value outermost;
  if (!machine.run(outermost)) {
    if (machine.is_unsupported()) return Status(Code::unsupported, where + machine.problem());
    return Status(Code::corrupt_file, where + machine.problem() + "; the file is damaged, get it again");
  }
  TensorPickle pickle{tensors_in(outermost), ""};
  if (!pickle.tensors.empty() || outermost.kind != Value::Kind::dictionary) return pickle;
  const std::vector<Value>& items = outermost.node->items;
  for (const char* key : {"state_dict", "model_state_dict", "model", "teacher"}) {
    for (std::size_t i = 0; i + 1 < items.size() && pickle.tensors.empty(); i += 2) {
      if (items[i].kind != Value::Kind::text || items[i].text != key) continue;
      pickle = {tensors_in(items[i + 1]), key};
    }
  }
  return pickle;
}

}  // namespace intvit
