# Cross building for 64-bit ARM with Debian's g++-12-aarch64-linux-gnu. Header-only packages (CLI11, nlohmann-json, stb)
# are those of the host, whose /usr/include Debian's cross compilers search behind their own folders.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc-12)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++-12)
