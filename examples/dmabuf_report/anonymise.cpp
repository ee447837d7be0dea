// SPDX-License-Identifier: MIT
#include "anonymise.hpp"

#include <iterator>

namespace dmabuf_report {

namespace {

std::string escaped(std::string_view raw) {
    std::string text;
    dmabuf::escape(raw, std::back_inserter(text));
    return text;
}

template<class Name>
void rename_process(Name& name, names& shown) {
    name = Name(shown.process(escaped(name.view())));
}

void rename_actor(dmabuf::actor& who, names& shown) {
    rename_process(who.comm, shown);
    rename_process(who.thread_comm, shown);
}

void rename_cgroups(dmabuf::snapshot& now, names& shown) {
    std::vector<char> text;
    for (std::uint32_t i = 0; i < now.cgroups.size(); ++i) {
        auto const name = now.cgroup_name(i);
        auto const other = name == "/" ? std::string(name) : shown.cgroup(escaped(name));
        now.cgroups[i] = {text.size(), other.size()};
        // `now.cgroup_text` is still the old one, which `cgroup_name()` of the next reads.
        text.insert(text.end(), other.begin(), other.end());
    }
    now.cgroup_text = std::move(text);
}

} // namespace

void anonymise(dmabuf::snapshot& now, names& shown) {
    for (auto& who : now.holders)
        rename_process(who.comm, shown);
    for (auto* buffers : {&now.buffers, &now.unheld})
        for (auto& one : *buffers)
            if (one.named) one.name = dmabuf::buffer_name(shown.buffer(escaped(one.name.view())));
    for (auto& one : now.origins)
        rename_actor(one.maker, shown);
    for (auto& one : now.watched_attachments)
        rename_actor(one.importer, shown);
    rename_cgroups(now, shown);
}

} // namespace dmabuf_report
