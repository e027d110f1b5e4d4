#include "intvit/session.h"

#include <cstring>
#include <string>

#include "engine/capi/handles.h"
#include "engine/capi/structs.h"
#include "engine/run/best_classes.h"
#include "engine/run/check_picture.h"
#include "engine/run/select_isa.h"

namespace intvit {

Session* capi_session(intvit_session* session) noexcept {
  if (session != nullptr) return session->session.get();
  capi_report(capi_null("the session"));
  return nullptr;
}

namespace {

// Of a caller's options; `log` is filled and must outlive what comes out.
Result<SessionOptions> session_options(const intvit_session_options* options, CapiLog& log) {
  intvit_session_options own = INTVIT_SESSION_OPTIONS_INIT;
  if (options != nullptr) {
    const std::size_t first_size = INTVIT_FIRST_SIZE(intvit_session_options, log_context);
    if (Status status = read_struct(options, first_size, "intvit_session_options", own); !status.ok()) return status;
  }
  SessionOptions result;
  result.threads = own.threads;
  result.batch = own.batch;
  if (own.isa != nullptr) {
    const Result<Isa> isa = select_isa(own.isa);
    if (!isa.ok()) return isa.status();
    result.isa = isa.value();
  }
  result.executor = {own.executor, own.executor_context};
  log = {own.log, own.log_context};
  result.log = log.log();
  if (own.attention_layer_count > 0) {
    if (Status status = capi_need(own.attention_layers, "attention_layers"); !status.ok()) return status;
    result.attention_layers.assign(own.attention_layers, own.attention_layers + own.attention_layer_count);
  }
  return result;
}

// Calls `use` with the session behind a handle, if there is one and it has this picture.
template <typename Handle, typename Use>
intvit_status with_picture(Handle* handle, int index, const Use& use) noexcept {
  return capi_guard([&]() -> Status {
    if (handle == nullptr) return capi_null("the session");
    Session& session = *handle->session;
    if (Status status = check_picture(index, session.batch()); !status.ok()) return status;
    return use(session);
  });
}

// Rows of a caller's function.
class CallersRows final : public PictureRows {
 public:
  explicit CallersRows(const intvit_rows& rows) : rows_(rows) {}

  int width() const override { return rows_.width; }
  int height() const override { return rows_.height; }
  Result<const std::uint8_t*> next_row() override {
    const std::uint8_t* row = nullptr;
    const intvit_status status = rows_.next_row(rows_.context, &row);
    const std::string which = "row " + std::to_string(given_++) + " of the picture";
    if (status != INTVIT_OK) {
      const bool known = status > INTVIT_OK && status <= INTVIT_CHECK_FAILED;
      return Status(
          known ? static_cast<Code>(status) : Code::invalid_argument,
          which + ": next_row failed with status " + std::to_string(status) + " (" + intvit_status_name(status) + ")");
    }
    if (row == nullptr) return Status(Code::invalid_argument, which + ": next_row gave NULL");
    return row;
  }
  Status finish() override { return {}; }

 private:
  const intvit_rows& rows_;
  std::int64_t given_ = 0;
};

std::size_t input_bytes(const Session& session) {
  const InputGeometry& input = session.model().input();
  return std::size_t{input.height} * input.width * 3;
}

}  // namespace
}  // namespace intvit

extern "C" {

using namespace intvit;

intvit_status intvit_session_memory(const intvit_model* model, const intvit_session_options* options, uint64_t* bytes) {
  return capi_guard([&]() -> Status {
    if (Status status = capi_need(model, "the model"); !status.ok()) return status;
    if (Status status = capi_need(bytes, "where the bytes go"); !status.ok()) return status;
    CapiLog log;
    const Result<SessionOptions> own = session_options(options, log);
    if (!own.ok()) return own.status();
    const Result<std::uint64_t> result = Session::memory_bytes(*model->model, own.value());
    if (result.ok()) *bytes = result.value();
    return result.status();
  });
}

intvit_status intvit_session_create(const intvit_model* model, const intvit_session_options* options,
                                    intvit_session** session) {
  return capi_guard([&]() -> Status {
    if (Status status = capi_need(session, "where the session goes"); !status.ok()) return status;
    *session = nullptr;
    if (Status status = capi_need(model, "the model"); !status.ok()) return status;
    auto handle = std::make_unique<intvit_session>();
    const Result<SessionOptions> own = session_options(options, handle->log);
    if (!own.ok()) return own.status();
    Result<std::unique_ptr<Session>> created = Session::create(model->model, own.value());
    if (!created.ok()) return created.status();
    handle->session = created.take();
    *session = handle.release();
    return {};
  });
}

void intvit_session_close(intvit_session* session) { delete session; }

const char* intvit_session_isa(const intvit_session* session) {
  if (session != nullptr) return isa_name(session->session->isa()).data();
  capi_report(capi_null("the session"));
  return nullptr;
}

int32_t intvit_session_threads(const intvit_session* session) {
  if (session != nullptr) return session->session->threads();
  capi_report(capi_null("the session"));
  return 0;
}

int32_t intvit_session_batch(const intvit_session* session) {
  if (session != nullptr) return session->session->batch();
  capi_report(capi_null("the session"));
  return 0;
}

intvit_status intvit_session_set_picture(intvit_session* session, int32_t index, const intvit_pixels* pixels) {
  return with_picture(session, index, [&](Session& own) -> Status {
    if (Status status = capi_need(pixels, "the picture"); !status.ok()) return status;
    intvit_pixels view = INTVIT_PIXELS_INIT;
    const Status status = read_struct(pixels, INTVIT_FIRST_SIZE(intvit_pixels, format), "intvit_pixels", view);
    if (!status.ok()) return status;
    return own.set_picture(index,
                           {view.pixels, view.width, view.height, view.stride, static_cast<PixelFormat>(view.format)});
  });
}

intvit_status intvit_session_set_picture_rows(intvit_session* session, int32_t index, const intvit_rows* rows) {
  return with_picture(session, index, [&](Session& own) -> Status {
    if (Status status = capi_need(rows, "the picture"); !status.ok()) return status;
    intvit_rows asked = INTVIT_ROWS_INIT;
    const Status status = read_struct(rows, INTVIT_FIRST_SIZE(intvit_rows, context), "intvit_rows", asked);
    if (!status.ok()) return status;
    if (asked.next_row == nullptr) return capi_null("next_row");
    CallersRows source(asked);
    return own.set_picture(index, source);
  });
}

intvit_status intvit_session_set_input(intvit_session* session, int32_t index, const uint8_t* rgb, size_t size) {
  return with_picture(session, index, [&](Session& own) -> Status {
    if (Status status = capi_need(rgb, "the input"); !status.ok()) return status;
    if (size != input_bytes(own)) {
      return {Code::invalid_argument, "an input of " + std::to_string(size) + " bytes; the model's has " +
                                          std::to_string(own.model().input_height()) + " * " +
                                          std::to_string(own.model().input_width()) +
                                          " * 3 = " + std::to_string(input_bytes(own))};
    }
    std::memcpy(own.picture(index), rgb, size);
    return {};
  });
}

intvit_status intvit_session_input(intvit_session* session, int32_t index, uint8_t** rgb, size_t* size) {
  return with_picture(session, index, [&](Session& own) -> Status {
    if (Status status = capi_need(rgb, "where the input's place goes"); !status.ok()) return status;
    *rgb = own.picture(index);
    if (size != nullptr) *size = input_bytes(own);
    return {};
  });
}

intvit_status intvit_session_run(intvit_session* session, int32_t count) {
  return capi_guard([&]() -> Status {
    if (session == nullptr) return capi_null("the session");
    return session->session->try_run(count);
  });
}

intvit_status intvit_session_output(const intvit_session* session, int32_t index, size_t port, intvit_output* output) {
  return with_picture(session, index, [&](Session& own) -> Status {
    if (Status status = capi_need(output, "where the output goes"); !status.ok()) return status;
    const std::vector<Port>& ports = own.model().outputs();
    if (port >= ports.size()) return no_output(port, ports.size());
    const OutputView view = own.output(index, port);
    const Port& unit = ports[port];
    const intvit_output filled = {sizeof filled, view.data,    view.stride, static_cast<std::int32_t>(view.type),
                                  view.rows,     view.columns, unit.zero,   unit.mantissa,
                                  unit.exponent};
    return write_struct(filled, INTVIT_FIRST_SIZE(intvit_output, exponent), "intvit_output", output);
  });
}

intvit_status intvit_session_logits(const intvit_session* session, int32_t index, const int32_t** logits,
                                    size_t* count) {
  return with_picture(session, index, [&](Session& own) -> Status {
    if (Status status = capi_need(logits, "where the logits go"); !status.ok()) return status;
    if (Status status = capi_need(count, "where their number goes"); !status.ok()) return status;
    const View<const std::int32_t> found = own.logits(index);
    *logits = found.data();
    *count = found.size();
    return {};
  });
}

intvit_status intvit_session_attention(const intvit_session* session, int32_t index, size_t layer,
                                       intvit_attention* attention) {
  return with_picture(session, index, [&](Session& own) -> Status {
    if (Status status = capi_need(attention, "where the attention goes"); !status.ok()) return status;
    const Result<AttentionView> view = own.attention(index, layer);
    if (!view.ok()) return view.status();
    const AttentionView& found = view.value();
    const intvit_attention filled = {sizeof filled, found.weights, found.divisors, found.windows,
                                     found.heads,   found.queries, found.keys};
    return write_struct(filled, INTVIT_FIRST_SIZE(intvit_attention, keys), "intvit_attention", attention);
  });
}

intvit_status intvit_session_top_k(const intvit_session* session, int32_t index, intvit_class* best, size_t capacity,
                                   size_t* count) {
  return with_picture(session, index, [&](Session& own) -> Status {
    if (Status status = capi_need(count, "where the number of classes goes"); !status.ok()) return status;
    if (Status status = capacity > 0 ? capi_need(best, "where the classes go") : Status(); !status.ok()) return status;
    *count = find_best_classes(own.logits(index), best, capacity);
    return {};
  });
}

}  // extern "C"
