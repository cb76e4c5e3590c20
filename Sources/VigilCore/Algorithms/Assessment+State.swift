// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The state of an assessment and of what it is made of: see `StateCodable`.

extension Assessment: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(severity)
        state.write(step)
        state.write(marks)
        state.write(isStale)
        state.writeShared(ending)
        state.write(isComplete)
        state.write(score)
        state.write(at)
        state.write(basis)
        state.write(rationale)
        state.write(predictions)
        state.writeShared(response)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(severity: try state.read())
        step = try state.read()
        marks = try state.read()
        isStale = try state.read()
        ending = try state.readSharedOptional()
        isComplete = try state.read()
        score = try state.read()
        at = try state.read()
        basis = try state.read()
        rationale = try state.read()
        predictions = try state.read()
        response = try state.readSharedOptional()
    }
}

extension Assessment.Prediction: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(outcome)
        state.write(rationale)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(outcome: try state.read(), rationale: try state.read())
    }
}

extension ScoreObservation: StateCodable {
    package func write(to state: inout StateWriter) {
        state.writeShared(id)
        state.write(code)
        state.write(at)
        state.write(total)
        state.write(parts)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            id: try state.readShared(), code: try state.read(), at: try state.read(),
            total: try state.read(), parts: try state.read())
    }
}

extension ScoreObservation.Part: StateCodable {
    package func write(to state: inout StateWriter) {
        state.writeShared(code)
        state.writeShared(text)
        state.write(score)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            code: try state.readShared(), text: try state.readShared(),
            score: try state.read())
    }
}

extension BasisRecord: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(offset)
        state.write(at)
        state.write(day)
        state.write(display)
        state.write(value?.text)
        state.writeShared(value?.unit)
        state.writeShared(value?.display)
    }

    package init(state: inout StateReader) throws(StateError) {
        let (offset, at) = (try state.read(UInt64.self), try state.read(Instant?.self))
        let (day, display) = (try state.read(CivilDay.self), try state.read(String.self))
        let text = try state.read(String?.self)
        let (unit, shown) = (try state.readSharedOptional(), try state.readSharedOptional())
        self.init(
            offset: offset, at: at, day: day,
            value: text.map { ($0, unit ?? "1", shown ?? "") }, display: display)
    }
}
