// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A text file of the repository, as the rules see it.
struct SourceFile {
    /// Relative to the repository, such as `Sources/VigilCore/Time/Instant.swift`.
    var path: String
    var lines: [String]
    /// The same lines with comments and the contents of string literals blanked.
    var code: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
        code =
            path.hasSuffix(".swift")
            ? SwiftMask.blankingTextAndComments(text).components(separatedBy: "\n") : lines
    }

    /// The second component of the path, for a file of a target its name.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
}

/// A rule broken at a place.
struct Violation: CustomStringConvertible, Equatable {
    var path: String
    var line: Int
    var rule: String

    var description: String { "\(path):\(line): \(rule)" }
}

/// The repository that these tests stand in.
enum Repository {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All files under a folder whose names end in one of the extensions, in order of path.
    static func files(under folder: String, extensions: Set<String>) throws -> [SourceFile] {
        let base = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)
        else { return [] }
        var paths: [String] = []
        for case let url as URL in walk where extensions.contains(url.pathExtension) {
            paths.append(url.path(percentEncoded: false))
        }
        let prefix = root.path(percentEncoded: false)
        return try paths.sorted().map { path in
            SourceFile(
                path: path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path,
                text: try String(contentsOfFile: path, encoding: .utf8))
        }
    }

    /// The names of the folders directly under a folder.
    static func folders(under folder: String) throws -> [String] {
        let base = root.appending(path: folder)
        return try FileManager.default.contentsOfDirectory(
            at: base, includingPropertiesForKeys: [.isDirectoryKey]
        )
        .filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }
        .map(\.lastPathComponent).sorted()
    }
}

extension String {
    /// Whether the pattern is found.
    ///
    /// Word boundaries are those of programs: by the default, Unicode's, `Int.random` is one word.
    func contains(pattern: Regex<Substring>) -> Bool {
        firstMatch(of: pattern.wordBoundaryKind(.simple)) != nil
    }

    /// Whether one of the texts is in it: many times quicker than a pattern, to be asked before.
    func mentions(_ texts: [String]) -> Bool {
        withCString { line in texts.contains { strstr(line, $0) != nil } }
    }
}
