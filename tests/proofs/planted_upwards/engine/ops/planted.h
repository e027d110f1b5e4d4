// What the layering proof must find: a folder of the engine that includes one above it.
#include "engine/program/program.h"
