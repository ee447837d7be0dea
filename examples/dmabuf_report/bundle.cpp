// SPDX-License-Identifier: MIT
#include "bundle.hpp"

#include "files/embedded.hpp"

DMABUF_EMBED(dmabuf_report_script, DMABUF_REPORT_BUNDLE "/report.js");
DMABUF_EMBED(dmabuf_report_style, DMABUF_REPORT_BUNDLE "/report.css");
DMABUF_EMBED(dmabuf_report_notices, DMABUF_REPORT_BUNDLE "/notices.txt");
DMABUF_EMBED(dmabuf_report_policy, DMABUF_REPORT_BUNDLE "/policy.txt");

namespace dmabuf_report {

std::string_view script() {
    return {dmabuf_report_script_begin, dmabuf_report_script_end};
}

std::string_view style() {
    return {dmabuf_report_style_begin, dmabuf_report_style_end};
}

std::string_view notices() {
    return {dmabuf_report_notices_begin, dmabuf_report_notices_end};
}

std::string_view policy() {
    return {dmabuf_report_policy_begin, dmabuf_report_policy_end};
}

} // namespace dmabuf_report
