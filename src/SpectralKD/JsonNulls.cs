using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace SpectralKD;

/// <summary>
/// Makes System.Text.Json refuse null where a property's type allows none, in lists and dictionaries too; by itself it sets such properties to null.
/// </summary>
internal static class JsonNulls
{
    /// <summary>A resolver that refuses them with a <see cref="JsonException"/> that has the value's path.</summary>
    public static DefaultJsonTypeInfoResolver Refusing { get; } = new() { Modifiers = { Refuse } };

    private static void Refuse(JsonTypeInfo type)
    {
        foreach (var property in type.Properties.Where(property => property is { Set: not null, PropertyType.IsValueType: false }))
        {
            var set = property.Set!;
            var nullable = property.AttributeProvider is not PropertyInfo declared
                || new NullabilityInfoContext().Create(declared).WriteState == NullabilityState.Nullable;
            property.Set = (target, value) =>
            {
                if (value is null ? !nullable : HoldsNull(value))
                {
                    throw new JsonException();
                }

                set(target, value);
            };
        }
    }

    private static bool HoldsNull(object value) => value switch
    {
        string => false,
        IDictionary map => HoldsNull(map.Values),
        IEnumerable items => items.Cast<object?>().Contains(null),
        _ => false,
    };
}
