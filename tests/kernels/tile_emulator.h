// AMX's tile instructions on CPUs that have none: each raises SIGILL there, and a handler does what it would have done.
// So the tests run the very code that ships, encodings and all, wherever there is AVX-512.
#pragma once

namespace intvit::test {

// From here to the end of the test case, as doctest then puts the handlers back that it found. What an instruction
// refuses (a tile without a shape, shapes that do not fit) stays a SIGILL.
void emulate_tiles();

}  // namespace intvit::test
