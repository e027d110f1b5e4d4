// What all tools do around their main(): whatever goes wrong below is one line and an exit code.
#pragma once

namespace intvit {

// Runs a tool, and gives the exit code:
//  - memory that ends anywhere, also in a thread, a destructor or before main(), is kExitModel. So is memory that
//    nobody missed, as streams swallow that, unless the tool has another error to tell;
//  - a thread that cannot be started is kExitModel;
//  - results that stdout did not take are kExitUsage, unless the tool has another error to tell. It is silent about a
//    pipe that nobody reads any more;
//  - a mapped file that became shorter, or that cannot be read any more, is named, and ends the process with
//  kExitModel;
//  - a terminal does not see control characters of texts that others wrote (escape_stdout.h);
//  - a file that may not become longer (ulimit -f) is an error of its write, not a signal.
int run_tool(const char* name, int (*tool)(int argc, char** argv), int argc, char** argv);

}  // namespace intvit
