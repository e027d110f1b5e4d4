// What the layering proof must find.
#include "kernels/nothing.h"
