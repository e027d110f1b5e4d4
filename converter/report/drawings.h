// The drawings of report pages: SVG that stands in the page itself, in the page's colours.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "converter/errors/site_distribution.h"

namespace intvit {

// Decibels along the network. A series is drawn as dots, joined where `line` says so.
struct DepthSeries {
  std::string colour;  // a CSS variable, "own"
  std::string what;    // for the title of each dot
  bool line = false;
  std::vector<std::string> names;  // as names of tensors and nodes begin: blocks.3.
  std::vector<double> db;
};

// Names of all series are brought into the order of `order`, of which a name is a place; blocks are marked and
// numbered.
std::string draw_depth(const std::vector<std::string>& order, const std::vector<DepthSeries>& series);

// The values of a site before (filled) and after (outlined) its quantizer, counts on a logarithmic scale, and lines at
// `levels`, on which codes lie, where there are few enough to tell apart.
std::string draw_distribution(const SiteDistribution& site, const std::vector<double>& levels);

struct ScatterPoint {
  double x = 0, y = 0;
  std::string name;
};

// Points with their numbers, 1 for the first: what costs what.
std::string draw_scatter(const std::vector<ScatterPoint>& points, const std::string& x_title,
                         const std::string& y_title);

}  // namespace intvit
