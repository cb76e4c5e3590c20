// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What each target may import: the rings of the design, inner ones never seeing outer ones.
enum Rings {
    /// The ring that decides and never does.
    static let pure: Set<String> = [
        "VigilCore", "VigilCodec", "VigilCQL", "VigilPacks", "VigilSimulation",
    ]

    /// Modules of the toolchain that code which talks to the system may use.
    static let toolchain: Set<String> = [
        "Glibc", "Synchronization", "Dispatch", "Foundation", "FoundationEssentials",
    ]

    static let allowedImports: [String: Set<String>] = [
        "VigilCore": ["CDigest"],
        "VigilCodec": ["VigilCore", "CSimdJSON"],
        "VigilCQL": ["VigilCore"],
        "VigilPacks": ["VigilCore", "VigilCodec", "VigilCQL", "CBundledPacks", "Yams"],
        "VigilSimulation": ["VigilCore"],
        "VigilLog": toolchain.union(["VigilCore", "VigilCodec", "CLinux"]),
        "VigilTransport": toolchain.union(["CZeroMQ"]),
        "VigilEngine": toolchain.union([
            "VigilCore", "VigilCodec", "VigilPacks", "VigilLog", "VigilTransport", "CLinux",
        ]),
        "VigilClient": toolchain.union(["VigilCore", "VigilCodec", "CLinux"]),
        "VigilWeb": toolchain.union([
            "VigilCore", "VigilCodec", "VigilEngine",
        ]),
        "VigilDaemon": toolchain.union([
            "VigilCore", "VigilCodec", "VigilCQL", "VigilPacks", "VigilLog", "VigilTransport",
            "VigilEngine", "VigilWeb", "Yams",
        ]),
        "vigil": toolchain.union([
            "VigilCore", "VigilCodec", "VigilPacks", "VigilLog", "VigilTransport",
            "VigilEngine", "VigilWeb", "VigilClient", "VigilDaemon", "VigilSimulation",
            "ArgumentParser", "CLinux",
        ]),
        "VigilBench": toolchain.union([
            "CParseReference", "CZeroMQ", "ArgumentParser", "VigilCQL", "VigilCodec", "VigilCore",
            "VigilEngine", "VigilLog", "VigilPacks",
        ]),
        "LogBench": toolchain.union(["VigilLog", "VigilCodec", "VigilCore", "ArgumentParser"]),
        "VigilFuzz": toolchain.union([
            "VigilCodec", "VigilCQL", "VigilCore", "VigilClient", "VigilEngine", "VigilPacks",
            "VigilTransport", "VigilDaemon", "CZeroMQ",
        ]),
    ]

    /// Imports of a target that its ring forbids; a target without an entry may import nothing.
    static func violations(in file: SourceFile) -> [Violation] {
        let allowed = allowedImports[file.target] ?? []
        return file.code.enumerated().compactMap { index, line in
            guard line.mentions(["import"]),
                let match = line.firstMatch(
                    of:
                        /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:package|public|internal|private|fileprivate)\s+)?import\s+(?:(?:struct|enum|class|func|protocol|typealias|var|let)\s+)?(\w+)/
                ), !allowed.contains(String(match.1))
            else { return nil }
            return Violation(
                path: file.path, line: index + 1,
                rule: "\(file.target) must not import \(match.1) (rings of the design)")
        }
    }
}

/// What the pure ring must not mention: a clock, a file, chance, threads, an order that is chance.
enum Purity {
    private static let suspicious = [
        "Date", "Clock", "andom", "shuffled", "Hasher", "async", "await", "Task", "actor", "rint(",
        "dump(",
        "readLine", "Double", "Float", ".keys", ".values", "nsafe",
    ]

    private static var banned: [(pattern: Regex<Substring>, what: String)] {
        [
            (/\bDate\(/, "a clock"),
            (/\b(?:ContinuousClock|SuspendingClock)\b/, "a clock"),
            (/\b(?:random|randomElement|shuffled|SystemRandomNumberGenerator)\b/, "randomness"),
            (/\bHasher\b/, "Hasher, whose seed differs from run to run"),
            (/\b(?:async|await|Task|actor)\b/, "concurrency"),
            (/\b(?:debugPrint|print|dump|readLine)\(/, "input or output"),
            (/\b(?:Double|Float|Float32|Float64)\b/, "binary fractions where a decimal is meant"),
            (
                /\bfor\b.*\bin\b[^{]*\.(?:keys|values)\b(?!\s*\.sorted)/,
                "the order of a Dictionary, which differs from run to run"
            ),
            (
                /\.(?:keys|values)\s*\.(?:map|flatMap|compactMap|filter|forEach|reduce|first|joined)\b/,
                "the order of a Dictionary, which differs from run to run"
            ),
        ]
    }

    /// Files of the pure ring that may hold unsafe constructs: where C is called, or bytes that C
    /// read are seen.
    static let unsafeAllowed: [String] = [
        "Sources/VigilCore/Log/Digest.swift",
        "Sources/VigilCore/Log/Ed25519.swift",
        "Sources/VigilCore/Log/MerkleHash.swift",
        "Sources/VigilCodec/",
        "Sources/VigilPacks/Bundled",
    ]

    /// Mentions of what the pure ring must not know of.
    static func violations(in file: SourceFile) -> [Violation] {
        guard Rings.pure.contains(file.target) else { return [] }
        let mayBeUnsafe = unsafeAllowed.contains { file.path.hasPrefix($0) }
        var found: [Violation] = []
        for (index, line) in file.code.enumerated() where line.mentions(suspicious) {
            for (pattern, what) in banned where line.contains(pattern: pattern) {
                found.append(
                    Violation(
                        path: file.path, line: index + 1, rule: "the pure ring must not use \(what)"
                    ))
            }
            if !mayBeUnsafe, line.contains(pattern: /\bunsafe\b|\bUnsafe\w*Pointer\b/) {
                found.append(
                    Violation(
                        path: file.path, line: index + 1,
                        rule: "the pure ring touches no memory that it does not own (unsafe)"))
            }
        }
        return found
    }
}

/// What may stand nowhere in the sources.
enum Leftovers {
    private static let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
    private static let suspicious = ["try!", "as!", "fatalError(", "print("]

    private static var banned: [(pattern: Regex<Substring>, what: String)] {
        [
            (/\btry!/, "try! ends the process where an error could be handled"),
            (/\bas!/, "as! ends the process where a mismatch could be handled"),
            (/\bfatalError\(\s*"(?:not |un)?implemented/, "code that is not there yet"),
        ]
    }

    /// Forced code, and notes to do something later.
    static func violations(in file: SourceFile) -> [Violation] {
        var found: [Violation] = []
        for (index, line) in file.lines.enumerated() {
            if line.mentions(marks), line.contains(pattern: /\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b/) {
                found.append(
                    Violation(
                        path: file.path, line: index + 1,
                        rule: "a note to do something later: do it or write an issue"))
            }
        }
        guard file.isSwift else { return found }
        for (index, line) in file.code.enumerated() where line.mentions(suspicious) {
            // The masked line decides where code is, the whole one what the literal says.
            for (pattern, what) in banned
            where line.contains(pattern: pattern)
                || (line.contains("fatalError(")
                    && file.lines[index].contains(pattern: pattern))
            {
                found.append(Violation(path: file.path, line: index + 1, rule: what))
            }
            if file.target != "vigil", !file.target.hasSuffix("Bench"),
                line.firstMatch(of: /(?:^|[^.\w])print\(/) != nil, !line.mentions(["case print("])
            {
                found.append(
                    Violation(
                        path: file.path, line: index + 1,
                        rule: "only the command line prints"))
            }
        }
        return found
    }
}
