using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Distillation;

/// <summary>A value of a recipe by the path that names it in JSON and on the command line.</summary>
/// <param name="Path">For example <c>loss.alpha</c>.</param>
/// <param name="Property">Its property.</param>
/// <param name="Default">Its default as JSON; null for what must be given.</param>
internal sealed record RecipeField(string Path, PropertyInfo Property, string? Default)
{
    private Type Type => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>What it takes, in words.</summary>
    public string Takes => Type switch
    {
        var type when type == typeof(int) => "a whole number",
        var type when type == typeof(double) => "a number",
        var type when type == typeof(bool) => "true or false",
        var type when type == typeof(string) => "text",
        var type when type == typeof(ImageSize) => "pixels, 224 or 224x160",
        var type when type == typeof(IReadOnlyList<int>) => "block numbers, 0,1,11",
        var type when type.IsEnum => string.Join(", ", Enum.GetNames(type).Select(name => JsonNamingPolicy.KebabCaseLower.ConvertName(name))),
        _ => "JSON",
    };

    /// <summary>The value as it is typed, as JSON.</summary>
    /// <exception cref="SpectralKDException">It is of another kind.</exception>
    public JsonNode? Parse(string text)
    {
        if (text == "null" && (Nullable.GetUnderlyingType(Property.PropertyType) is not null || Default is null or "null"))
        {
            return null;
        }

        var node = Type == typeof(string) || Type.IsEnum ? JsonValue.Create(text)
            : Json(Type == typeof(IReadOnlyList<int>) && !text.StartsWith('[') ? $"[{text}]" : text) ?? JsonValue.Create(text);
        try
        {
            node.Deserialize(Property.PropertyType, RecipeFile.Options);
            return node;
        }
        catch (JsonException error)
        {
            throw new SpectralKDException($"{Path}={text}: {Path} takes {Takes}; found \"{text}\"", error);
        }
    }

    private static JsonNode? Json(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>All values of a recipe, and setting them by name.</summary>
internal static class RecipeFields
{
    /// <summary>The fields in the order of the file.</summary>
    public static IReadOnlyList<RecipeField> All { get; } =
        [.. Under(typeof(DistillationRecipe), "", JsonNode.Parse(RecipeFile.Write(new DistillationRecipe { Student = "" }))!.AsObject())];

    /// <summary>A recipe with some values replaced, as <c>--set</c> has it.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="assignments">For example <c>loss.alpha=0.5</c>; of one field the last counts.</param>
    /// <exception cref="SpectralKDException">There is no such field, or its value does not fit.</exception>
    public static DistillationRecipe Set(DistillationRecipe recipe, IReadOnlyCollection<string> assignments)
    {
        if (assignments.Count == 0)
        {
            return recipe;
        }

        var json = JsonNode.Parse(RecipeFile.Write(recipe))!.AsObject();
        foreach (var assignment in assignments)
        {
            var parts = assignment.Split('=', 2);
            var field = parts.Length < 2 ? throw new SpectralKDException($"\"{assignment}\" sets nothing: write FIELD=VALUE, for example epochs=1 or loss.alpha=0.5")
                : All.FirstOrDefault(field => string.Equals(field.Path, parts[0].Trim(), StringComparison.OrdinalIgnoreCase)) ?? throw Unknown(parts[0].Trim());
            var path = field.Path.Split('.');
            var place = path.SkipLast(1).Aggregate(json, (node, key) => node[key]!.AsObject());
            place[path[^1]] = field.Parse(parts[1].Trim());
        }

        return RecipeFile.Parse(json.ToJsonString(), "the recipe");
    }

    private static SpectralKDException Unknown(string path)
    {
        var section = All.Where(field => field.Path.StartsWith(path + ".", StringComparison.OrdinalIgnoreCase)).Select(field => field.Path).ToList();
        return new SpectralKDException(section.Count > 0 ? $"{path} is a part of a recipe; set one of its fields: {string.Join(", ", section)}"
            : $"a recipe has no field {path}{NearestName.Suggestion(path, All.Select(field => field.Path))} (spectralkd recipes --fields lists them)");
    }

    private static IEnumerable<RecipeField> Under(Type type, string prefix, JsonObject values)
    {
        foreach (var property in RecipeFile.Options.GetTypeInfo(type).Properties)
        {
            if (property.AttributeProvider is not PropertyInfo member)
            {
                continue;
            }

            var value = values[property.Name];
            if (value is JsonObject part)
            {
                foreach (var field in Under(property.PropertyType, $"{prefix}{property.Name}.", part))
                {
                    yield return field;
                }
            }
            else
            {
                yield return new RecipeField(prefix + property.Name, member, property.IsRequired ? null : value?.ToJsonString() ?? "null");
            }
        }
    }
}
