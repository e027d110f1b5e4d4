// On which CPU a thread runs, and how it gets off one that it shares. Schedulers wake a thread next to the one that
// woke it and may leave two there for many runs of a model while another CPU has nothing to do.
#pragma once

#include <atomic>
#include <span>

namespace intvit {

// Of the calling thread; -1 where the system does not tell.
int current_cpu();

// How many the calling thread may run on, at least 1.
int allowed_cpus();

// Moves the calling thread to a CPU that it may run on and that is none of `taken`, if there is one. It stays free to
// be moved by the scheduler afterwards.
void leave_cpus(std::span<const std::atomic<int>> taken);

}  // namespace intvit
