// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// A CQL library, checked and compiled.
package struct CompiledLibrary: Sendable {
    /// As the text declares it.
    package var name: String
    /// As the text declares it.
    package var version: String
    /// What an `Evaluation` runs.
    package var program: Program
    /// By name; every definition of a value.
    package var definitions: [String: DefinitionID]
    /// The column of each of the program's calls, where one is to blame at run time.
    package var columns: [Int: Int]
    var types: [CQLType]

    /// The definitions' names, by their indexes.
    package var names: [String] {
        definitions.sorted { $0.value.index < $1.value.index }.map(\.key)
    }

    /// The lists that a definition uses, through all definitions that it uses; ascending.
    package func lists(of definition: DefinitionID) -> [Int] {
        program.lists(touching: definition)
    }

    /// The resource types that a definition looks up in each list that it uses.
    package func retrieves(of definition: DefinitionID) -> [Retrieval] {
        program.retrieves(of: definition)
    }

    /// The type of a definition's value.
    package func type(of definition: DefinitionID) -> CQLType {
        types[definition.index]
    }
}
