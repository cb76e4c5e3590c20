// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Finds the terms of a code list that do not belong among the others, such as a cancer drug among
/// diuretics.
///
/// Three signs, each told once a list: words that only drugs of a few well-known classes have and
/// that hardly any other term of the list has; stems of International Nonproprietary Names (WHO)
/// likewise; and in hierarchical systems a code whose class and words no other row shares.
enum LexicalOutliers {
    /// A class and what the names of its medicines hold.
    private struct Family {
        var label: String
        /// Whole words.
        var words: [String] = []
        /// Ends of words.
        var stems: [String] = []
    }

    private static let families = [
        Family(
            label: "a cancer or hormone antagonist medicine",
            words: [
                "fareston", "firmagon", "tamoxifen", "nolvadex", "anastrozole", "arimidex",
                "letrozole", "femara", "exemestane", "aromasin", "bicalutamide", "casodex",
                "flutamide", "cyproterone", "goserelin", "zoladex", "leuprorelin", "prostap",
                "triptorelin", "decapeptyl", "megestrol", "fulvestrant", "faslodex", "xtandi",
                "zytiga",
            ],
            stems: [
                "relix", "relin", "mifene", "oxifene", "lutamide", "platin", "tinib", "rubicin",
            ]),
        Family(label: "a beta-blocker", stems: ["olol"]),
        Family(
            label: "a non-steroidal anti-inflammatory drug", stems: ["profen", "coxib", "fenac"]),
        Family(label: "a proton pump inhibitor", stems: ["prazole"]),
        Family(label: "a statin", stems: ["vastatin"]),
        Family(label: "an antibiotic", stems: ["cillin", "mycin", "floxacin", "cycline"]),
        Family(label: "a benzodiazepine", stems: ["azepam", "azolam"]),
        Family(label: "an anticoagulant", words: ["warfarin"], stems: ["xaban", "gatran"]),
        Family(
            label: "an opioid",
            words: ["morphine", "oxycodone", "fentanyl", "tramadol", "buprenorphine"]),
        Family(label: "an antidiabetic", words: ["metformin"], stems: ["gliptin", "gliflozin"]),
        Family(label: "a monoclonal antibody", stems: ["umab", "ximab", "izumab"]),
    ]

    /// A family is out of place where at most one term in this many is of it.
    private static let rareness = 20
    /// A list of fewer terms says nothing about what is rare.
    private static let termsMin = 20

    /// What is out of place in a list, one warning a family or row.
    ///
    /// - Parameters:
    ///   - entries: The list's records.
    ///   - title: What the manifest calls the list.
    ///   - file: Its file, for warnings.
    /// - Returns: The warnings, ascending by their kind and line.
    static func find(
        in entries: [CodeListFile.Entry], title: String, file: String
    ) -> [PackWarning] {
        let included = entries.filter { $0.match == .is || $0.match == .under }
        return strangers(in: included, title: title, file: file)
            + strays(in: included, title: title, file: file)
    }

    private static func strangers(
        in entries: [CodeListFile.Entry], title: String, file: String
    ) -> [PackWarning] {
        guard entries.count >= termsMin else { return [] }
        let words = entries.map { Set(self.words(of: $0.term)) }
        let name = Set(self.words(of: title))
        return families.compactMap { family in
            let found = entries.indices.filter { holds(words[$0], family) }
            guard let first = found.first, !holds(name, family),
                found.count * rareness <= entries.count
            else { return nil }
            let names = orderedWords(of: family, in: found.map { words[$0] })
            return PackWarning(
                file: file, line: entries[first].line,
                what: "\(found.count) of \(entries.count) terms name \(family.label) "
                    + "(\(names.joined(separator: ", "))): \"\(entries[first].term)\" first; "
                    + "take them out if the list is not meant to hold them")
        }
    }

    private static func holds(_ words: Set<String>, _ family: Family) -> Bool {
        words.contains { isOf(family, $0) }
    }

    private static func isOf(_ family: Family, _ word: String) -> Bool {
        family.words.contains(word) || family.stems.contains(where: word.hasSuffix)
    }

    private static func orderedWords(of family: Family, in terms: [Set<String>]) -> [String] {
        Set(terms.flatMap { term in term.filter { isOf(family, $0) } }).sorted()
    }

    /// Rows of a hierarchical system whose class no other row has, and no word of whose term stands
    /// in another term or the title.
    private static func strays(
        in entries: [CodeListFile.Entry], title: String, file: String
    ) -> [PackWarning] {
        let classed = entries.filter { $0.system == "atc" || $0.system == "bnf" }
        guard classed.count >= 4 else { return [] }
        func group(_ entry: CodeListFile.Entry) -> String {
            "\(entry.system) \(entry.code.prefix(entry.system == "atc" ? 1 : 2))"
        }
        let titled = words(of: title)
        return classed.compactMap { entry in
            let others = entries.filter { $0.line != entry.line }
            guard !others.contains(where: { group($0) == group(entry) }),
                others.contains(where: { $0.system == entry.system })
            else { return nil }
            let known = Set(others.flatMap { words(of: $0.term) } + titled)
            guard !words(of: entry.term).contains(where: known.contains) else { return nil }
            return PackWarning(
                file: file, line: entry.line,
                what: "\"\(entry.term)\" (\(entry.system) \(entry.code)) shares neither class nor "
                    + "word with the rest of the list; take it out if it is not meant")
        }
    }

    /// The words of four letters or more, in lower case and without a plural's end.
    private static func words(of term: String) -> [String] {
        term.lowercased().split { !$0.isLetter }.filter { $0.count >= 4 }.map { word in
            word.hasSuffix("s") ? String(word.dropLast()) : String(word)
        }
    }
}
