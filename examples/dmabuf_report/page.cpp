// SPDX-License-Identifier: MIT
#include "page.hpp"

#include "bundle.hpp"
#include "data.hpp"
#include "html.hpp"
#include "summary.hpp"

#include <fmt/format.h>

namespace dmabuf_report {

namespace {

/// The policy comes before all that it rules.
std::string head() {
    return fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<title>DMA-BUF memory</title>\n<style>{}</style>\n</head>\n<body>\n",
                       policy(), style());
}

std::string data(scene const& of, account const& shown) {
    std::string text;
    json_in_html sink(text);
    report::json_writer out(sink, 1);
    write_data(out, of, shown);
    return text;
}

} // namespace

std::string page(scene const& of) {
    account const shown(of.now);
    auto text = head();
    text += summary(of, shown);
    text += "<noscript><p class=\"note\">The pictures and the table of all buffers need "
            "JavaScript.</p></noscript>\n"
            "<main id=\"views\"></main>\n"
            "<footer><details><summary>Licences</summary><pre>";
    text += html(notices());
    text += "</pre></details></footer>\n<script type=\"application/json\" id=\"data\">";
    text += data(of, shown);
    text += "</script>\n<script>";
    text += script();
    text += "</script>\n</body>\n</html>\n";
    return text;
}

} // namespace dmabuf_report
