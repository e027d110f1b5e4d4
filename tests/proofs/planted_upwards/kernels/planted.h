// What the layering proof must find.
#include "engine/planted.h"
