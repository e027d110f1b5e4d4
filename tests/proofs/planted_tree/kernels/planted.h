// What the layering proof must find.
#include "engine/ops/op.h"
