// Human-readable facts that travel in a model file: architecture, method, bits, calibration, labels, provenance.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

// Sorted, so that the same facts give the same bytes. Keys used by the tools: architecture, method, weight_bits,
// activation_bits, calibration_pictures, calibration_checksum, seed, tool, top1_agreement_percent, logit_sqnr_db,
// site_sqnr_db, sensitivity_pictures, sensitivity_sites, sensitivity_layers, labels (one per line). Unknown keys are
// kept and ignored.
using Metadata = std::map<std::string, std::string>;

std::vector<std::uint8_t> encode_metadata(const Metadata& metadata);
Result<Metadata> decode_metadata(std::span<const std::uint8_t> bytes);

}  // namespace intvit
