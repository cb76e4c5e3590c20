// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilDaemon
internal import VigilEngine
internal import VigilLog
internal import VigilPacks
internal import VigilTransport
internal import VigilWeb

/// Runs the work of a command on the log or the daemon, and turns its failure into a sentence and
/// an exit code.
func reportingDaemon(_ body: () throws -> Void) throws {
    func fail(_ code: CommandFailure.Code, _ error: some CustomStringConvertible) -> ExitCode {
        CommandFailure(code, error.description).report()
    }
    do {
        try body()
    } catch let error as CommandFailure {
        throw error.report()
    } catch let error as DaemonError {
        throw fail(CommandFailure.Code(rawValue: error.kind.rawValue) ?? .internalFault, error)
    } catch let error as PackError {
        throw fail(error.kind == .unknownPack ? .missingInput : .badData, error)
    } catch let error as OpeningError {
        if case .noLog = error { throw fail(.missingInput, error) }
        throw fail(.configuration, error)
    } catch let error as ReplayDifference {
        throw fail(.differs, "the log differs at offset \(error.offset): \(error.what)")
    } catch let error as VerificationFailure {
        throw fail(.differs, error)
    } catch let error as TreeError {
        if case .noKey = error { throw fail(.missingInput, error) }
        throw fail(.log, error)
    } catch let error as CurveKeyError {
        throw fail(error.isMissing ? .missingInput : .configuration, error)
    } catch let error as AdmissionError {
        throw fail(.notPermitted, error)
    } catch let error as LogError {
        throw fail(.log, error)
    } catch let error as WebError {
        throw fail(error.isTaken ? .unreachable : .configuration, error)
    } catch let error as TransportError {
        // With an error of the system's an endpoint is taken; without one it is refused.
        let isTaken = error.operation == "bind" && error.code != 0
        throw fail(isTaken ? .unreachable : .configuration, error)
    }
}
