using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Schane.Recipes;

/// <summary>
/// The JSON Schema of recipe files, for editors: keys, types, choices, defaults and limits, all taken from <see cref="Recipe"/> itself. A
/// limit is found by trying what the property takes, so that no number is written twice.
/// </summary>
internal static class RecipeSchema
{
    private static readonly JsonSerializerOptions Format = new()
    { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    /// <summary>The schema as indented JSON with a line break at its end.</summary>
    public static string Text()
    {
        var texts = RecipeSettings.Groups.SelectMany(group => group.Settings).ToDictionary(setting => setting.Key, setting => setting.Text);
        var properties = new JsonObject();
        foreach (var (key, property) in RecipeFile.Properties)
        {
            var rule = Rule(key, property);
            rule["description"] = texts[key];
            properties[key] = rule;
        }
        foreach (var (name, what) in (ReadOnlySpan<(string, string)>)[(RecipeFile.Arm, "an arm of a comparison"),
            (RecipeFile.Stage, "a stage of a training, which goes on with the weights of the one before")])
            properties[name] = new JsonObject
            {
                ["type"] = "string", ["pattern"] = "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$",
                ["description"] = $"Names {what}; in every document but the first, whose settings it overrides."
            };
        return new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "Recipe of schane",
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["properties"] = properties,
        }.ToJsonString(Format) + "\n";
    }

    private static JsonObject Rule(string key, PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        var rule = type switch
        {
            _ when RecipeFile.Choices(type).Any() =>
                new JsonObject { ["enum"] = new JsonArray([.. RecipeFile.Choices(type).Select(name => (JsonNode)name)]) },
            _ when type == typeof(bool) => new JsonObject { ["type"] = "boolean" },
            _ when type == typeof(TimeSpan) => new JsonObject { ["type"] = "string", ["pattern"] = @"^[0-9]+(\.[0-9]+)?[smh]$" },
            _ when type == typeof(int) => WholeNumber(property),
            _ when type == typeof(double) => Number(property),
            _ => new JsonObject { ["type"] = new JsonArray("string", "number") },    // freeze: 4 and data: 2026 are text to us
        };
        if (RecipeFile.Defaults.TryGetValue(key, out var value))
            rule["default"] = type == typeof(int) || type == typeof(double) || type == typeof(bool) ? JsonNode.Parse(value) : value;
        return rule;
    }

    private static JsonObject WholeNumber(PropertyInfo property)
    {
        var rule = new JsonObject { ["type"] = "integer" };
        if (Enumerable.Range(0, 65).FirstOrDefault(n => Takes(property, n), -1) is >= 0 and var least && !Takes(property, least - 1))
            rule["minimum"] = least;
        return rule;
    }

    private static JsonObject Number(PropertyInfo property)
    {
        const double Little = 1e-9;
        var rule = new JsonObject { ["type"] = "number" };
        if (!Takes(property, -Little))
            rule[Takes(property, 0.0) ? "minimum" : "exclusiveMinimum"] = 0;
        if (!Takes(property, 1 + Little))
            rule[Takes(property, 1.0) ? "maximum" : "exclusiveMaximum"] = 1;
        return rule;
    }

    private static bool Takes(PropertyInfo property, object value)
    {
        try
        {
            property.SetValue(new Recipe(), value);
            return true;
        }
        catch (TargetInvocationException)
        {
            return false;
        }
    }
}
