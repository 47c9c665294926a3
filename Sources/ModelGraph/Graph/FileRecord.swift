package import TensorFiles

/// How a file wrote an entity, and what the entity was then.
///
/// A format writes an entity that nobody has changed as the file had it, byte for byte, whatever order and spelling its
/// producer chose; of a changed one it takes over what this package has no words for. Entities are compared without
/// their records.
///
/// **Complexity** the entity as it was shares its arrays with the entity as it is, until that is changed.
package struct FileRecord<Entity: Equatable & Sendable>: Sendable, Equatable {
  private final class Storage: Sendable {
    let bytes: ByteView
    let entity: Entity
    let isSelfContained: Bool

    init(bytes: ByteView, entity: Entity, isSelfContained: Bool) {
      (self.bytes, self.entity, self.isSelfContained) = (bytes, entity, isSelfContained)
    }
  }

  private let storage: Storage?

  /// No record: the entity is new.
  package init() { storage = nil }

  /// The record of an entity that has just been read; `isSelfContained` says whether its bytes alone hold all of it.
  package init(of entity: Entity, bytes: ByteView, isSelfContained: Bool) {
    storage = Storage(bytes: bytes, entity: entity, isSelfContained: isSelfContained)
  }

  /// The bytes that still say what `entity` is; nil where it is new or has changed.
  package func bytes(ifStill entity: Entity) -> ByteView? {
    guard let storage, storage.isSelfContained, storage.entity == entity else { return nil }
    return storage.bytes
  }

  /// The bytes of the entity as it was.
  package var bytes: ByteView? { storage?.bytes }

  /// The entity as it was.
  package var entity: Entity? { storage?.entity }

  /// Always true: how an entity was written is no part of what it is.
  package static func == (_: FileRecord, _: FileRecord) -> Bool { true }
}
