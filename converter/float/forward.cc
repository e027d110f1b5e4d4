#include "converter/float/forward.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>

#include "converter/float/layers.h"
#include "converter/float/parallel.h"

namespace intvit {
namespace {

// Rows of queries per attention task, about; tasks of one head have equal sizes.
constexpr int kQueriesPerTask = 100;

std::size_t area(int rows, int cols) { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols); }

}  // namespace

FloatForward::FloatForward(const FloatNetwork& network, int threads)
    : network_(network),
      vit_(network.description),
      threads_(std::max(1, threads)),
      tokens_(vit_.tokens()),
      patches_(area(vit_.patches(), network.patch_embed.in)),
      residual_(area(tokens_, vit_.embed_dim)),
      normed_(residual_.size()),
      query_(residual_.size()),
      key_(residual_.size()),
      value_(residual_.size()),
      scores_(area(vit_.num_heads * tokens_, tokens_)),
      attended_(residual_.size()),
      hidden_(area(tokens_, vit_.mlp_dim)),
      activated_(hidden_.size()),
      head_input_(network.head.in),
      logits_(network.head.out) {
  const Preprocessing& how = vit_.preprocessing;
  for (int channel = 0; channel < 3; ++channel) {
    for (int byte = 0; byte < 256; ++byte) {
      normalised_[channel][byte] = static_cast<float>((byte / 255.0 - how.mean[channel]) / how.stddev[channel]);
    }
  }
}

void FloatForward::run(const std::uint8_t* pixels_hwc, float* logits, Observer* observer) {
  const OneThreadPerTask one_thread_per_task;
  observer_ = observer;
  embed(pixels_hwc);
  for (int index = 0; index < static_cast<int>(network_.blocks.size()); ++index) {
    attend(network_.blocks[index], index);
    feed_forward(network_.blocks[index], index);
  }
  classify(logits);
  observer_ = nullptr;
}

void FloatForward::run_embedding(const std::uint8_t* pixels_hwc, float* residual, Observer* observer) {
  const OneThreadPerTask one_thread_per_task;
  observer_ = observer;
  embed(pixels_hwc);
  observer_ = nullptr;
  std::copy(residual_.begin(), residual_.end(), residual);
}

void FloatForward::run_block(int index, float* residual, Observer* observer) {
  const OneThreadPerTask one_thread_per_task;
  observer_ = observer;
  std::copy_n(residual, residual_.size(), residual_.begin());
  attend(network_.blocks[static_cast<std::size_t>(index)], index);
  feed_forward(network_.blocks[static_cast<std::size_t>(index)], index);
  observer_ = nullptr;
  std::copy(residual_.begin(), residual_.end(), residual);
}

void FloatForward::run_classifier(const float* residual, float* logits, Observer* observer) {
  const OneThreadPerTask one_thread_per_task;
  observer_ = observer;
  std::copy_n(residual, residual_.size(), residual_.begin());
  classify(logits);
  observer_ = nullptr;
}

void FloatForward::observe(Site site, int block, std::vector<float>& data, int rows, int cols) {
  if (observer_ != nullptr) observer_->on_activation(site, block, data.data(), rows, cols);
}

void FloatForward::apply(const FloatLinear& layer, int first, int count, const float* input, int rows, bool accumulate,
                         float* output) {
  if (!linear(layer, first, count, input, rows, accumulate, output, threads_)) throw std::bad_alloc();
}

void FloatForward::embed(const std::uint8_t* pixels_hwc) {
  const int patch = vit_.patch_size;
  const int line_bytes = patch * 3;
  float* out = patches_.data();
  for (int patch_y = 0; patch_y < vit_.grid_height(); ++patch_y) {
    for (int patch_x = 0; patch_x < vit_.grid_width(); ++patch_x) {
      for (int y = 0; y < patch; ++y) {
        const std::uint8_t* line =
            pixels_hwc + (area(patch_y * patch + y, vit_.preprocessing.width) + area(patch_x, patch)) * 3;
        for (int i = 0; i < line_bytes; ++i) *out++ = normalised_[i % 3][line[i]];
      }
    }
  }
  observe(Site::patch_input, -1, patches_, vit_.patches(), network_.patch_embed.in);

  std::copy(network_.token_init.begin(), network_.token_init.end(), residual_.begin());
  apply(network_.patch_embed, 0, vit_.embed_dim, patches_.data(), vit_.patches(), true,
        residual_.data() + area(vit_.prefix_tokens(), vit_.embed_dim));
  observe(Site::residual, -1, residual_, tokens_, vit_.embed_dim);
}

void FloatForward::attend(const FloatBlock& block, int index) {
  const int channels = vit_.embed_dim;
  layer_norm(block.norm1, vit_.layer_norm_eps, residual_.data(), tokens_, channels, normed_.data(), threads_);
  observe(Site::qkv_input, index, normed_, tokens_, channels);
  apply(block.qkv, 0, channels, normed_.data(), tokens_, false, query_.data());
  apply(block.qkv, channels, channels, normed_.data(), tokens_, false, key_.data());
  apply(block.qkv, 2 * channels, channels, normed_.data(), tokens_, false, value_.data());
  observe(Site::query, index, query_, tokens_, channels);
  observe(Site::key, index, key_, tokens_, channels);
  observe(Site::value, index, value_, tokens_, channels);
  attend_to_values(index);
  observe(Site::attention_output, index, attended_, tokens_, channels);
  apply(block.proj, 0, channels, attended_.data(), tokens_, true, residual_.data());
  observe(Site::residual_middle, index, residual_, tokens_, channels);
}

// Per head: softmax(query key^T / sqrt(D)) value. A task is a head and some of its queries. Without an observer a task
// goes straight from its probabilities to its output; otherwise all probabilities are shown in between.
void FloatForward::attend_to_values(int index) {
  const int channels = vit_.embed_dim;
  const int head_dim = vit_.head_dim();
  const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  const int parts = (tokens_ + kQueriesPerTask - 1) / kQueriesPerTask;
  const int size = (tokens_ + parts - 1) / parts;
  std::atomic<bool> ok = true;

  const auto probabilities = [&](int head, int begin, int rows) {
    float* out = scores_.data() + area(head * tokens_ + begin, tokens_);
    const MatrixView query = {query_.data() + area(begin, channels) + head * head_dim, channels};
    const MatrixView key = {key_.data() + head * head_dim, channels};
    if (!multiply(query, key, true, scale, false, rows, tokens_, head_dim, out, tokens_)) ok = false;
    softmax_rows(out, rows, tokens_);
  };
  const auto output = [&](int head, int begin, int rows) {
    const MatrixView weights = {scores_.data() + area(head * tokens_ + begin, tokens_), tokens_};
    const MatrixView value = {value_.data() + head * head_dim, channels};
    float* out = attended_.data() + area(begin, channels) + head * head_dim;
    if (!multiply(weights, value, false, 1.0f, false, rows, head_dim, tokens_, out, channels)) ok = false;
  };
  const auto for_each_piece = [&](const auto& work) {
    parallel_for(threads_, vit_.num_heads * parts, [&](int task) {
      const int begin = task % parts * size;
      if (begin < tokens_) work(task / parts, begin, std::min(size, tokens_ - begin));
    });
  };

  if (observer_ == nullptr) {
    for_each_piece([&](int head, int begin, int rows) {
      probabilities(head, begin, rows);
      output(head, begin, rows);
    });
  } else {
    for_each_piece(probabilities);
    observe(Site::post_softmax, index, scores_, vit_.num_heads * tokens_, tokens_);
    for_each_piece(output);
  }
  if (!ok) throw std::bad_alloc();
}

void FloatForward::feed_forward(const FloatBlock& block, int index) {
  const int channels = vit_.embed_dim;
  layer_norm(block.norm2, vit_.layer_norm_eps, residual_.data(), tokens_, channels, normed_.data(), threads_);
  observe(Site::fc1_input, index, normed_, tokens_, channels);
  apply(block.fc1, 0, vit_.mlp_dim, normed_.data(), tokens_, false, hidden_.data());
  observe(Site::fc1_output, index, hidden_, tokens_, vit_.mlp_dim);
  activate(vit_.activation, hidden_.data(), static_cast<int>(hidden_.size()), activated_.data(), threads_);
  observe(Site::fc2_input, index, activated_, tokens_, vit_.mlp_dim);
  apply(block.fc2, 0, channels, activated_.data(), tokens_, true, residual_.data());
  observe(Site::residual, index, residual_, tokens_, channels);
}

// Token pooling keeps row 0 (class), with a distilled head rows 0 and 1 (class, distillation) side by side; average
// pooling takes the mean of the patch rows. The norm is per row, so before token pooling only the kept rows need it.
void FloatForward::classify(float* logits) {
  const int channels = vit_.embed_dim;
  if (vit_.pooling == Pooling::token) {
    layer_norm(network_.norm, vit_.layer_norm_eps, residual_.data(), network_.head.in / channels, channels,
               head_input_.data(), threads_);
  } else {
    const float* rows = residual_.data();
    if (!vit_.fc_norm) {
      layer_norm(network_.norm, vit_.layer_norm_eps, rows, tokens_, channels, normed_.data(), threads_);
      rows = normed_.data();
    }
    std::fill(head_input_.begin(), head_input_.end(), 0.0f);
    for (int row = vit_.prefix_tokens(); row < tokens_; ++row) {
      for (int i = 0; i < channels; ++i) head_input_[i] += rows[area(row, channels) + i];
    }
    for (float& sum : head_input_) sum /= static_cast<float>(vit_.patches());
    if (vit_.fc_norm) {
      layer_norm(network_.norm, vit_.layer_norm_eps, head_input_.data(), 1, channels, head_input_.data(), threads_);
    }
  }
  observe(Site::head_input, -1, head_input_, 1, network_.head.in);
  apply(network_.head, 0, network_.head.out, head_input_.data(), 1, false, logits_.data());
  observe(Site::logits, -1, logits_, 1, network_.head.out);
  std::copy(logits_.begin(), logits_.end(), logits);
}

}  // namespace intvit
