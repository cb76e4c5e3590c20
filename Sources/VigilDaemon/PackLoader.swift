// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import VigilPacks

/// Finds packs by what the command line calls them.
package enum PackLoader {
    /// Loads packs, with the code lists of a directory in place of their own, and a map.
    ///
    /// A file of the directory is for each pack that has its list; the packs that have none of them
    /// keep their own.
    ///
    /// What does not pass its own check, or the cases that it brings along, is refused.
    ///
    /// - Parameters:
    ///   - names: bundled packs by name, or directories.
    ///   - codelists: a directory of `<name>.csv` or `<pack>-<name>.csv` files, or nil.
    ///   - map: a file of `system,code,to-system,to-code`, or nil.
    ///   - isOnTrial: whether a pack may fail its cases: what a change would do is asked before
    ///     the cases say the same.
    /// - Returns: the packs, in the order of the names.
    /// - Throws: `PackError`, or `DaemonError` where a directory cannot be read.
    package static func load(
        _ names: [String], codelists: String?, map: String? = nil, isOnTrial: Bool = false
    ) throws -> [PackSource] {
        let sources = try names.map { name in
            let source = try read(name)
            // The bundled ones are tested where they are built.
            if !BundledPacks.names.contains(name) {
                _ = isOnTrial ? try source.check() : try source.accept()
            }
            return source
        }
        return try complete(sources, codelists: codelists, map: map)
    }

    /// Packs with the code lists of a directory in place of their own, and a map.
    ///
    /// - Throws: `PackError` also where no file of the directory is for any of the packs.
    package static func complete(
        _ sources: [PackSource], codelists: String?, map: String?
    ) throws -> [PackSource] {
        var sources = sources
        if let codelists {
            let lists = try lists(in: codelists)
            sources = try sources.map { try $0.replacingLists(files: lists) }
            guard sources.contains(where: { !$0.replacedLists.isEmpty }) else {
                throw PackError(
                    .codeList, file: codelists,
                    what: "no file there replaces a list of "
                        + sources.map(\.id).joined(separator: ", "),
                    remedy: "call it <list>.csv or <pack>-<list>.csv after a list that one of "
                        + "them has")
            }
        }
        if let map {
            guard let data = FileManager.default.contents(atPath: map) else {
                throw DaemonError(.missingInput, "the file \(map) cannot be read")
            }
            let file = PackFile(name: map, bytes: Array(data))
            sources = try sources.map { try $0.adding(map: file) }
        }
        return sources
    }

    /// What an owner of lists should know of a directory: its files that no pack has a list for.
    package static func warnings(
        ofLists codelists: String, for sources: [PackSource]
    ) throws -> [String] {
        let unused = try lists(in: codelists).map(\.name).filter { name in
            try !sources.contains { try $0.takesList(file: name) }
        }
        return unused.map { name in
            "\(codelists)/\(name): warning: no pack in force has that list: it changes nothing"
        }
    }

    private static func lists(in directory: String) throws -> [PackFile] {
        try files(in: directory).filter { $0.name.hasSuffix(".csv") }
    }

    /// A pack as it is written.
    package static func read(_ name: String) throws -> PackSource {
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: name, isDirectory: &isDirectory)
        if BundledPacks.names.contains(name) || !exists {
            return try BundledPacks.named(name)
        }
        guard isDirectory.boolValue else {
            throw DaemonError(
                .missingInput, "\(name) is a file: name a bundled pack or a pack's directory")
        }
        return try PackSource(files: try files(in: name))
    }

    /// The files below a directory, by their paths in it.
    private static func files(in directory: String) throws -> [PackFile] {
        guard let found = FileManager.default.enumerator(atPath: directory) else {
            throw DaemonError(.missingInput, "the directory \(directory) cannot be read")
        }
        let paths = found.compactMap { $0 as? String }.sorted()
        guard !paths.isEmpty else {
            throw DaemonError(.missingInput, "the directory \(directory) is empty or not there")
        }
        return try paths.compactMap { path in
            let full = "\(directory)/\(path)"
            var isDirectory: ObjCBool = false
            // What cannot be looked at is no directory either: reading it says so.
            _ = FileManager.default.fileExists(atPath: full, isDirectory: &isDirectory)
            guard !isDirectory.boolValue, !isEditorsLock(path) else { return nil }
            guard let data = FileManager.default.contents(atPath: full) else {
                throw DaemonError(.missingInput, "the file \(full) cannot be read")
            }
            return PackFile(name: path, bytes: Array(data))
        }
    }

    /// Whether a path is that of a lock that Emacs keeps on a file: a link to nothing.
    private static func isEditorsLock(_ path: String) -> Bool {
        path.split(separator: "/").last?.hasPrefix(".#") ?? false
    }
}
