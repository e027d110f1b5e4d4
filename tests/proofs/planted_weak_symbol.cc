// What the no_weak_symbols proof must find: an inline function with external linkage that the compiler emits.
inline int planted(int x) { return x + 1; }
int (*use)(int) = planted;
