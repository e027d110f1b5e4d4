// What the layering proof must find.
#include "engine/model.h"
