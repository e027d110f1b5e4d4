// pixels MODEL: runs it on a grey picture that is made here, and reads an output's real value. No decoder is needed.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "intvit/intvit.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto model = intvit::Model::open(argv[1]);
  if (!model.ok()) return std::fprintf(stderr, "%s\n", model.status().message().c_str()), 1;
  intvit::SessionOptions options;
  options.threads = 2;
  auto session = intvit::Session::create(model.value(), options);
  if (!session.ok()) return std::fprintf(stderr, "%s\n", session.status().message().c_str()), 1;
  const std::vector<std::uint8_t> rgb(100 * 80 * 3, 120);
  const intvit::Status status = session.value()->set_picture(0, {rgb.data(), 100, 80, 300});
  if (!status.ok()) return std::fprintf(stderr, "%s\n", status.message().c_str()), 1;
  session.value()->run();
  std::vector<float> values(model.value()->outputs()[0].count());
  intvit::copy_real_values(model.value()->outputs()[0], session.value()->output(0, 0), values.data());
  std::printf("%.6f %s\n", static_cast<double>(values[0]),
              std::string(intvit::isa_name(session.value()->isa())).c_str());
}
