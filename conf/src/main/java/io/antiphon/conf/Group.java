package io.antiphon.conf;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A record of keys, as a node of the tree.
 *
 * @param path dotted path; empty for the root
 * @param type the record
 * @param doc what the group is about
 * @param children one node per component, in the record's order
 */
record Group(String path, Class<? extends Record> type, String doc, List<Node> children)
    implements Node {

  /** The tree below a record whose components all carry a {@link Key}. */
  static Group of(String path, Class<?> type, String doc) {
    List<Node> children = new ArrayList<>();
    for (RecordComponent component : type.getRecordComponents()) {
      Key key = component.getAnnotation(Key.class);
      String childPath = (path.isEmpty() ? "" : path + ".") + kebab(component.getName());
      children.add(
          component.getType().isRecord()
              ? of(childPath, component.getType(), key.doc())
              : SettingKey.of(childPath, component, key));
    }
    return new Group(path, type.asSubclass(Record.class), doc, List.copyOf(children));
  }

  /** This group and all below it, outer before inner. */
  Stream<Group> groups() {
    return Stream.concat(
        Stream.of(this),
        children.stream()
            .filter(Group.class::isInstance)
            .flatMap(child -> ((Group) child).groups()));
  }

  /** The keys of this very group. */
  Stream<SettingKey> ownKeys() {
    return children.stream().filter(SettingKey.class::isInstance).map(SettingKey.class::cast);
  }

  /** All keys of this group and below. */
  Stream<SettingKey> keys() {
    return children.stream()
        .flatMap(
            child -> child instanceof SettingKey key ? Stream.of(key) : ((Group) child).keys());
  }

  /** Path of a child with this name, known or not. */
  String pathOf(String child) {
    return path.isEmpty() ? child : path + "." + child;
  }

  /** A record of this group from the values of its keys. */
  Record build(Function<SettingKey, Object> values) {
    Object[] arguments =
        children.stream()
            .map(
                child ->
                    child instanceof SettingKey key
                        ? values.apply(key)
                        : ((Group) child).build(values))
            .toArray();
    Class<?>[] types =
        Arrays.stream(type.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    try {
      return type.getDeclaredConstructor(types).newInstance(arguments);
    } catch (InvocationTargetException e) {
      throw new IllegalStateException("the reader let a bad " + path + " pass", e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The components of a record of this group, in the order of the children. */
  List<Object> components(Record record) {
    List<Object> values = new ArrayList<>();
    try {
      for (RecordComponent component : type.getRecordComponents()) {
        values.add(component.getAccessor().invoke(record));
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
    return values;
  }

  private static String kebab(String camelCase) {
    return camelCase.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }
}
