// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where rules stand for one patient: only those that there is anything to say of.
struct EpisodeTable {
    /// Rules by their place in `Fold.rules`, ascending; nothing is kept of the others.
    private(set) var entries: [(rule: Int, episode: Episode)] = []

    init() {}

    /// What was kept, ascending.
    init(entries: [(rule: Int, episode: Episode)]) {
        self.entries = entries
    }

    /// The rules with an open flag, ascending.
    var open: [Int] { entries.compactMap { $0.episode.isOpen ? $0.rule : nil } }

    /// Whether any rule has an open flag.
    var hasOpen: Bool {
        for index in entries.indices where entries[index].episode.isOpen { return true }
        return false
    }

    /// The instant at which some rule must be looked at again.
    var due: Instant {
        var soonest = Instant.never
        // By index: an entry is not copied to be asked.
        for index in entries.indices { soonest = min(soonest, entries[index].episode.due) }
        return soonest
    }

    /// The rules that must be looked at again by an instant, ascending.
    func due(by instant: Instant) -> [Int] {
        entries.compactMap { $0.episode.due <= instant ? $0.rule : nil }
    }

    /// Whether there is anything to say of a rule.
    func hasEpisode(_ rule: Int) -> Bool { isKept(rule, at: place(of: rule)) }

    /// Until when what was last said of a rule stands.
    func stableUntil(_ rule: Int) -> Instant {
        let place = place(of: rule)
        return isKept(rule, at: place) ? entries[place].episode.stableUntil : .never
    }

    /// Where a rule stands; lent rather than copied, since an open flag is wide.
    subscript(rule: Int) -> Episode {
        _read {
            let place = place(of: rule)
            if isKept(rule, at: place) {
                yield entries[place].episode
            } else {
                yield Episode()
            }
        }
        _modify {
            let place = place(of: rule)
            if isKept(rule, at: place) {
                defer { if entries[place].episode.isVacant { entries.remove(at: place) } }
                yield &entries[place].episode
            } else {
                var fresh = Episode()
                defer { if !fresh.isVacant { entries.insert((rule, fresh), at: place) } }
                yield &fresh
            }
        }
    }

    private func isKept(_ rule: Int, at place: Int) -> Bool {
        place < entries.count && entries[place].rule == rule
    }

    /// Where a rule's entry is or belongs.
    private func place(of rule: Int) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].rule < rule {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

extension Episode {
    /// Whether it says nothing that a fresh one does not.
    var isVacant: Bool {
        count == 0 && open == nil && overrides.isEmpty && pending == nil && !isQuiet
            && stableUntil == .never && truth != .yes
    }
}
