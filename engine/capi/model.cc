#include <algorithm>
#include <new>
#include <string>

#include "engine/capi/handles.h"
#include "engine/capi/structs.h"
#include "engine/program/attention_layers.h"
#include "intvit/isa.h"

namespace intvit {
namespace {

// Of a model, or `none` and an error.
template <typename T, typename Get>
T value_of(const intvit_model* model, T none, const Get& get) noexcept {
  if (model != nullptr) return get(*model->model);
  capi_report(capi_null("the model"));
  return none;
}

// Opens with `open`, which takes options.
template <typename Open>
intvit_status open_model(const intvit_model_options* options, intvit_model** model, const Open& open) noexcept {
  return capi_guard([&]() -> Status {
    if (Status status = capi_need(model, "where the model goes"); !status.ok()) return status;
    *model = nullptr;
    intvit_model_options own = INTVIT_MODEL_OPTIONS_INIT;
    if (options != nullptr) {
      Status status =
          read_struct(options, INTVIT_FIRST_SIZE(intvit_model_options, log_context), "intvit_model_options", own);
      if (!status.ok()) return status;
    }
    CapiLog log{own.log, own.log_context};
    Result<std::shared_ptr<const Model>> opened = open(ModelOptions{static_cast<Storage>(own.storage), log.log()});
    if (!opened.ok()) return opened.status();
    auto handle = std::make_unique<intvit_model>();
    handle->model = opened.take();
    for (const auto& [key, value] : handle->model->metadata())
      handle->metadata.emplace_back(key.c_str(), value.c_str());
    *model = handle.release();
    return {};
  });
}

}  // namespace
}  // namespace intvit

extern "C" {

using namespace intvit;

const char* intvit_available_isa(size_t index) {
  const View<const Isa> isas = available_isas();
  return index < isas.size() ? isa_name(isas[index]).data() : nullptr;
}

intvit_status intvit_model_open(const char* path, const intvit_model_options* options, intvit_model** model) {
  return open_model(options, model, [&](const ModelOptions& own) -> Result<std::shared_ptr<const Model>> {
    if (path == nullptr) return capi_need(path, "the model's path");
    return Model::open(path, own);
  });
}

intvit_status intvit_model_from_memory(const void* bytes, size_t size, const char* name,
                                       const intvit_model_options* options, intvit_model** model) {
  return open_model(options, model, [&](const ModelOptions& own) -> Result<std::shared_ptr<const Model>> {
    if (bytes == nullptr) return capi_need(bytes, "the model's memory");
    return Model::from_memory({static_cast<const std::uint8_t*>(bytes), size}, name != nullptr ? name : "memory", own);
  });
}

void intvit_model_close(intvit_model* model) { delete model; }

intvit_status intvit_model_input(const intvit_model* model, intvit_input* input) {
  return capi_guard([&]() -> Status {
    if (model == nullptr) return capi_null("the model");
    if (Status status = capi_need(input, "where the input goes"); !status.ok()) return status;
    const InputGeometry& own = model->model->input();
    const auto edge = [](std::uint32_t length) { return static_cast<std::int32_t>(length); };
    const intvit_input filled = {sizeof filled,
                                 edge(own.width),
                                 edge(own.height),
                                 edge(own.resize_width),
                                 edge(own.resize_height),
                                 static_cast<std::int32_t>(own.interpolation),
                                 static_cast<std::int32_t>(own.crop_mode)};
    return write_struct(filled, INTVIT_FIRST_SIZE(intvit_input, crop), "intvit_input", input);
  });
}

size_t intvit_model_output_count(const intvit_model* model) {
  return value_of(model, std::size_t{0}, [](const Model& m) { return m.outputs().size(); });
}

intvit_status intvit_model_output(const intvit_model* model, size_t port, intvit_port* out) {
  return capi_guard([&]() -> Status {
    if (model == nullptr) return capi_null("the model");
    if (Status status = capi_need(out, "where the port goes"); !status.ok()) return status;
    const std::vector<Port>& outputs = model->model->outputs();
    if (port >= outputs.size()) return no_output(port, outputs.size());
    const Port& own = outputs[port];
    const intvit_port filled = {sizeof filled,
                                own.name.c_str(),
                                static_cast<std::int32_t>(own.kind),
                                static_cast<std::int32_t>(own.type),
                                own.rows,
                                own.columns,
                                own.grid_height,
                                own.grid_width,
                                own.zero,
                                own.mantissa,
                                own.exponent};
    return write_struct(filled, INTVIT_FIRST_SIZE(intvit_port, exponent), "intvit_port", out);
  });
}

intvit_status intvit_model_find_output(const intvit_model* model, const char* name, size_t* port) {
  return capi_guard([&]() -> Status {
    if (model == nullptr) return capi_null("the model");
    if (Status status = capi_need(name, "the output's name"); !status.ok()) return status;
    if (Status status = capi_need(port, "where the port goes"); !status.ok()) return status;
    const std::optional<std::size_t> found = model->model->output(name);
    if (found) {
      *port = *found;
      return {};
    }
    std::string names;
    for (const Port& own : model->model->outputs()) names += (names.empty() ? "" : ", ") + own.name;
    return {Code::not_found, "the model has no output '" + std::string(name) + "', but " + names};
  });
}

int32_t intvit_model_classes(const intvit_model* model) {
  return value_of(model, 0, [](const Model& m) { return m.classes(); });
}

int32_t intvit_model_logit_fraction_bits(const intvit_model* model) {
  return value_of(model, 0, [](const Model& m) { return m.logit_fraction_bits(); });
}

const char* intvit_model_label(const intvit_model* model, int32_t class_index) {
  return value_of<const char*>(model, nullptr, [&](const Model& m) {
    const bool exists = class_index >= 0 && static_cast<std::size_t>(class_index) < m.labels().size();
    return exists ? m.labels()[static_cast<std::size_t>(class_index)].c_str() : nullptr;
  });
}

intvit_status intvit_model_logit_rule(const intvit_model* model, intvit_logit_rule* rule) {
  return capi_guard([&]() -> Status {
    if (model == nullptr) return capi_null("the model");
    if (Status status = capi_need(rule, "where the rule goes"); !status.ok()) return status;
    const Result<LogitRule> found = model->model->logit_rule();
    if (!found.ok()) return found.status();
    const LogitRule& own = found.value();
    const intvit_logit_rule filled = {sizeof filled,       own.fraction_bits,
                                      own.sigmoid ? 1 : 0, own.divisor ? static_cast<std::int32_t>(*own.divisor) : -1,
                                      own.bias_exponent,   own.bias_mantissa};
    return write_struct(filled, INTVIT_FIRST_SIZE(intvit_logit_rule, bias_mantissa), "intvit_logit_rule", rule);
  });
}

size_t intvit_model_attention_count(const intvit_model* model) {
  return value_of(model, std::size_t{0}, [](const Model& m) { return m.attention_layers().size(); });
}

intvit_status intvit_model_attention(const intvit_model* model, size_t layer, intvit_attention_layer* out) {
  return capi_guard([&]() -> Status {
    if (model == nullptr) return capi_null("the model");
    if (Status status = capi_need(out, "where the layer goes"); !status.ok()) return status;
    const std::vector<AttentionLayer>& layers = model->model->attention_layers();
    if (layer >= layers.size()) return no_attention_layer(static_cast<long long>(layer), layers);
    const AttentionLayer& own = layers[layer];
    const intvit_attention_layer filled = {sizeof filled, own.name.c_str(), own.windows,     own.heads,     own.queries,
                                           own.keys,      own.tokens,       own.grid_height, own.grid_width};
    return write_struct(filled, INTVIT_FIRST_SIZE(intvit_attention_layer, grid_width), "intvit_attention_layer", out);
  });
}

intvit_status intvit_model_attention_tokens(const intvit_model* model, size_t layer, intvit_attention_token* tokens,
                                            size_t count) {
  return capi_guard([&]() -> Status {
    if (model == nullptr) return capi_null("the model");
    if (Status status = capi_need(tokens, "where the tokens go"); !status.ok()) return status;
    const Result<std::vector<AttentionToken>> found = model->model->attention_tokens(layer);
    if (!found.ok()) return found.status();
    if (count != found.value().size()) {
      return {Code::invalid_argument, "places for " + std::to_string(count) + " tokens; attention layer " +
                                          std::to_string(layer) +
                                          " has windows * keys = " + std::to_string(found.value().size())};
    }
    std::transform(found.value().begin(), found.value().end(), tokens, [](const AttentionToken& token) {
      return intvit_attention_token{token.token, token.x, token.y};
    });
    return {};
  });
}

const char* intvit_model_metadata(const intvit_model* model, const char* key) {
  const char* value = nullptr;
  capi_guard([&]() -> Status {
    if (model == nullptr) return capi_null("the model");
    if (Status status = capi_need(key, "the key"); !status.ok()) return status;
    const auto found = model->model->metadata().find(key);
    if (found != model->model->metadata().end()) value = found->second.c_str();
    return {};
  });
  return value;
}

size_t intvit_model_metadata_count(const intvit_model* model) {
  return value_of(model, std::size_t{0}, [](const Model& m) { return m.metadata().size(); });
}

intvit_status intvit_model_metadata_entry(const intvit_model* model, size_t index, const char** key,
                                          const char** value) {
  return capi_guard([&]() -> Status {
    if (model == nullptr) return capi_null("the model");
    if (Status status = capi_need(key, "where the key goes"); !status.ok()) return status;
    if (Status status = capi_need(value, "where the value goes"); !status.ok()) return status;
    if (index >= model->metadata.size()) {
      return {Code::invalid_argument, "metadata " + std::to_string(index) + " does not exist; there are " +
                                          std::to_string(model->metadata.size()) + ", counted from 0"};
    }
    *key = model->metadata[index].first;
    *value = model->metadata[index].second;
    return {};
  });
}

uint64_t intvit_model_file_bytes(const intvit_model* model) {
  return value_of(model, std::uint64_t{0}, [](const Model& m) { return m.file_bytes(); });
}

uint64_t intvit_model_digest(const intvit_model* model) {
  return value_of(model, std::uint64_t{0}, [](const Model& m) { return m.digest(); });
}

}  // extern "C"
