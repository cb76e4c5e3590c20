// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

extension Record {
    /// The text of a member of its event's `data`; nil where there is none.
    func data(_ name: StaticString) -> String? {
        (try? JSONDocument().withRoot(of: payload) { root in
            root.member("data").first?.member(name).first?.text
        }).flatMap { $0 }
    }
}
