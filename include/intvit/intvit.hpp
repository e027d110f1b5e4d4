// All of intvit's C++ interface but the reading of picture files (intvit/picture.h). C++17 is enough to include it.
#pragma once

#include "intvit/attention.h"
#include "intvit/classes.h"
#include "intvit/executor.h"
#include "intvit/input_geometry.h"
#include "intvit/isa.h"
#include "intvit/log.h"
#include "intvit/logit_rule.h"
#include "intvit/model.h"
#include "intvit/picture_rows.h"
#include "intvit/picture_view.h"
#include "intvit/port.h"
#include "intvit/session.h"
#include "intvit/status.h"
#include "intvit/view.h"
