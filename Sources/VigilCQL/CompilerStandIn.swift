// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// What is wrong with a CQL text, and where.
package struct CQLError: Error, Hashable, Sendable {
    /// `unsupported` or `invalid`.
    package var code: String
    /// What is wrong, as a sentence.
    package var message: String
    /// Counted from 1.
    package var line: Int
    /// Counted from 1.
    package var column: Int
}

/// A compiled library.
package struct CompiledLibrary: Sendable {
    package var name: String
    package var version: String?
    package var program: Program
    package var definitions: [String: DefinitionID]
    private var listsByDefinition: [[Int]]

    init(
        name: String, version: String?, program: Program, definitions: [String: DefinitionID],
        listsByDefinition: [[Int]]
    ) {
        self.name = name
        self.version = version
        self.program = program
        self.definitions = definitions
        self.listsByDefinition = listsByDefinition
    }

    /// The lists that a definition uses, directly or through others, in ascending order.
    package func lists(of definition: DefinitionID) -> [Int] {
        listsByDefinition[definition.index]
    }
}

/// Finds definitions and the lists they use by text search, until the compiler is there.
package enum CQLCompiler {
    /// Compiles nothing: it knows which definitions there are and which lists they name.
    package static func compile(
        _ text: String, file: String, lists: [String: Int]
    ) throws(CQLError) -> CompiledLibrary {
        var definitions: [String: DefinitionID] = [:]
        var bodies: [String] = []
        var valueSets: [(name: String, list: Int)] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
            if line.hasPrefix("valueset "), parts.count > 2 {
                let identifier = line.split(separator: "'").last.map(String.init) ?? ""
                guard let list = lists[identifier] else {
                    throw CQLError(
                        code: "invalid", message: "no list \(identifier)", line: number + 1,
                        column: 1)
                }
                valueSets.append((String(parts[1]), list))
            } else if line.hasPrefix("define "), parts.count > 2 {
                definitions[String(parts[1])] = DefinitionID(index: bodies.count)
                bodies.append("")
            } else if !bodies.isEmpty {
                bodies[bodies.count - 1] += line
            }
        }
        var direct = bodies.map { body in
            Set(valueSets.filter { body.contains(": \"\($0.name)\"]") }.map(\.list))
        }
        for _ in bodies {
            for (index, body) in bodies.enumerated() {
                for (name, other) in definitions where body.contains("\"\(name)\"") {
                    direct[index].formUnion(direct[other.index])
                }
            }
        }
        return CompiledLibrary(
            name: "Pincer", version: "1.0.0", program: Program(), definitions: definitions,
            listsByDefinition: direct.map { $0.sorted() })
    }
}
