using System.Text.Json;

namespace Schane.Tests.Models;

/// <summary>Constructor arguments of a peer's model; what no one reads is an error, so that no argument is passed over.</summary>
internal sealed class GoldenConfig(string name, JsonElement config)
{
    private readonly HashSet<string> read = [];

    /// <summary>Arguments that don't change what is compared.</summary>
    public void Skip(params string[] keys) => read.UnionWith(keys);

    public bool Given(string key) => Value(key) is not null;

    public int Whole(string key, int otherwise) => Value(key)?.GetInt32() ?? otherwise;

    /// <summary>Null where it is given as null, or not given and <paramref name="otherwise"/> is null.</summary>
    public double? Number(string key, double? otherwise) =>
        Value(key) is { } value ? value.GetDouble() : config.TryGetProperty(key, out _) ? null : otherwise;

    public bool Truth(string key, bool otherwise) => Value(key)?.GetBoolean() ?? otherwise;

    public string Choice(string key, string otherwise, params string[] known)
    {
        var value = Value(key)?.GetString() ?? otherwise;
        return known.Contains(value) ? value : throw Unknown($"{key} = {value}");
    }

    /// <summary>A list, or one number for all of <paramref name="length"/>.</summary>
    public int[] Wholes(string key, int[] otherwise, int length = 1) => Value(key) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.Number } one => [.. Enumerable.Repeat(one.GetInt32(), length)],
        var many => [.. many!.Value.EnumerateArray().Select(n => n.GetInt32())],
    };

    public GoldenConfig Inner(string key) => Value(key) is { } value ? new($"{name} {key}", value) : throw Unknown($"no {key}");

    /// <summary>Refuses a value that no model here can have.</summary>
    public void Require(string key, int otherwise, int only)
    {
        var value = Value(key) switch
        {
            null => otherwise,
            { ValueKind: JsonValueKind.True } => 1,
            { ValueKind: JsonValueKind.False } => 0,
            var number => number!.Value.GetInt32(),
        };
        if (value != only)
            throw Unknown($"{key} = {value}");
    }

    /// <summary>Refuses arguments that were not read.</summary>
    public void RequireAllRead()
    {
        if (config.EnumerateObject().Select(p => p.Name).Except(read).ToArray() is { Length: > 0 } left)
            throw Unknown(string.Join(", ", left));
    }

    private JsonElement? Value(string key)
    {
        read.Add(key);
        return config.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    private InvalidOperationException Unknown(string what) => new($"Golden case {name} has {what}, which this test does not know.");
}
