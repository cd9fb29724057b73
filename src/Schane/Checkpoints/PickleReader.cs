using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Schane.Checkpoints;

/// <summary>
/// Python's pickle machine, protocols 0 to 5, reduced to what weights need: plain containers, numbers, texts, and the names of
/// <see cref="PickleGlobals"/>. It never calls anything, keeps its own stack, and makes at most <see cref="MaxValues"/> values.
/// </summary>
/// <param name="bytes">Bytes of which a pickle is the beginning.</param>
/// <param name="origin">The file, for messages.</param>
/// <param name="persistent">Turns a persistent id into a value (a storage); null where there may be none.</param>
internal sealed class PickleReader(byte[] bytes, string origin, Func<object?, object?>? persistent = null)
{
    public const int MaxValues = 4_000_000;
    private static readonly object Mark = new();

    private readonly List<object?> stack = [];
    private readonly Dictionary<long, object?> memo = [];
    private int at;
    private int values;

    /// <summary>Position after the last pickle read.</summary>
    public int Position => at;

    /// <summary>Reads the next pickle.</summary>
    /// <exception cref="CheckpointException">It is damaged, truncated, too large, or asks for a name that is not in the list.</exception>
    public object? Read(int position = 0)
    {
        at = position;
        stack.Clear();
        memo.Clear();
        while (true)
        {
            var code = Byte();
            if (code == '.')
                return Pop();
            Step(code);
            if (stack.Count > MaxValues || memo.Count > MaxValues || values > MaxValues)
                throw Bad($"makes more than {MaxValues} values");
        }
    }

    private void Step(byte code)
    {
        switch ((char)code)
        {
            case '\x80': Skip(1); break;                                  // PROTO
            case '\x95': Skip(8); break;                                  // FRAME
            case '(': stack.Add(Mark); break;
            case '0': Pop(); break;
            case '1': PopToMark(); break;
            case '2': Push(Top()); break;
            case 'N': Push(null); break;
            case '\x88': Push(true); break;
            case '\x89': Push(false); break;
            case 'I': Push(Line() switch { "00" => false, "01" => true, var text => Whole(text) }); break;
            case 'L': Push(Whole(Line().TrimEnd('L'))); break;
            case 'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case 'K': Push((long)Byte()); break;
            case 'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case '\x8a': Push(Long(Byte())); break;
            case '\x8b': Push(Long(Length(4))); break;
            case 'F':
                Push(double.TryParse(Line(), NumberStyles.Float, CultureInfo.InvariantCulture, out var real)
                    ? real : throw Bad("has a number that is none")); break;
            case 'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
            case 'S': Push(Quoted(Line())); break;
            case 'T': Push(Latin(Take(Length(4)))); break;
            case 'U': Push(Latin(Take(Byte()))); break;
            case 'V': Push(Line()); break;
            case 'X': Push(Text(Take(Length(4)))); break;
            case '\x8c': Push(Text(Take(Byte()))); break;
            case '\x8d': Push(Text(Take(Length(8)))); break;
            case 'B': Push(Take(Length(4)).ToArray()); break;
            case 'C': Push(Take(Byte()).ToArray()); break;
            case '\x8e' or '\x96': Push(Take(Length(8)).ToArray()); break;
            case ')': Push(new PickleTuple([])); break;
            case '\x85': Push(new PickleTuple([Pop()])); break;
            case '\x86': { var b = Pop(); Push(new PickleTuple([Pop(), b])); break; }
            case '\x87': { var c = Pop(); var b = Pop(); Push(new PickleTuple([Pop(), b, c])); break; }
            case 't': Push(new PickleTuple(PopToMark())); break;
            case ']' or '\x8f': Push(new PickleList([])); break;
            case 'l' or '\x91': Push(new PickleList([.. PopToMark()])); break;
            case '}': Push(new PickleDictionary()); break;
            case 'd': { var items = PopToMark(); var made = new PickleDictionary(); SetAll(made, items); Push(made); break; }
            case 'a': { var item = Pop(); Items(Top()).Add(item); values++; break; }
            case 'e' or '\x90': { var items = PopToMark(); Items(Top()).AddRange(items); values += items.Length; break; }
            case 's': { var value = Pop(); var key = Pop(); SetAll(Top(), [key, value]); break; }
            case 'u': { var items = PopToMark(); SetAll(Top(), items); break; }
            case 'g': Push(Recall(Whole(Line()) as long? ?? -1)); break;
            case 'h': Push(Recall(Byte())); break;
            case 'j': Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
            case 'p': memo[Whole(Line()) as long? ?? -1] = Top(); break;
            case 'q': memo[Byte()] = Top(); break;
            case 'r': memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top(); break;
            case '\x94': memo[memo.Count] = Top(); break;
            case 'c': { var module = Line(); Push(PickleGlobals.Find(module, Line(), origin)); break; }
            case '\x93': { var name = Pop() as string; Push(PickleGlobals.Find(Pop() as string ?? "?", name ?? "?", origin)); break; }
            case 'R' or '\x81': { var arguments = Pop(); Push(Call(Pop(), arguments)); break; }
            case '\x92': { Pop(); var arguments = Pop(); Push(Call(Pop(), arguments)); break; }
            case 'b': { var state = Pop(); Build(Top(), state); break; }
            case 'P': Push(Persistent(Line())); break;
            case 'Q': Push(Persistent(Pop())); break;
            default: throw Bad($"has the pickle instruction 0x{code:x2}, which weights do not need");
        }
    }

    private object Call(object? callable, object? arguments)
    {
        if (callable is not PickleGlobal global || arguments is not PickleTuple tuple)
            throw Bad("calls something that is not a name");
        return PickleGlobals.Call(global, tuple.Items)
            ?? throw Bad($"uses '{global.Name.Replace(' ', '.')}' with arguments that weights do not need (object arrays, other element " +
                "types or negative sizes, for instance)");
    }

    private void Build(object? target, object? state)
    {
        switch (target)
        {
            case PickleArray array when PickleGlobals.Fill(array, state):
            case PickleDtype when state is PickleTuple { Items: [_, "<" or "|" or "=", ..] }:
            case PickleDictionary or PickleTensor:                        // attributes of a dictionary (_metadata) or of a tensor
                break;
            case PickleNamespace space when state is PickleDictionary attributes:
                foreach (var (name, value) in attributes.Entries)
                    space.Attributes.Set(name, value);
                values += attributes.Entries.Count;
                break;
            default:
                throw Bad("gives a value a state that it can't have (an array of objects, or one of big-endian numbers, for instance)");
        }
    }

    private object? Persistent(object? id) => persistent is null ? throw Bad("refers to memory outside itself") : persistent(id);

    private void SetAll(object? target, object?[] items)
    {
        if (target is not PickleDictionary dictionary || items.Length % 2 != 0)
            throw Bad("sets items of something that is not a dictionary");
        for (var i = 0; i < items.Length; i += 2)
            dictionary.Set(items[i], items[i + 1]);
        values += items.Length / 2;
    }

    private List<object?> Items(object? target) =>
        target is PickleList list ? list.Items : throw Bad("appends to something that is not a list");

    private void Push(object? value)
    {
        stack.Add(value);
        values++;
    }

    private object? Top() => stack.Count > 0 && stack[^1] != Mark ? stack[^1] : throw Bad("takes from an empty stack");

    private object? Pop()
    {
        var value = Top();
        stack.RemoveAt(stack.Count - 1);
        return value;
    }

    private object?[] PopToMark()
    {
        var mark = stack.LastIndexOf(Mark);
        if (mark < 0)
            throw Bad("has no mark where one is needed");
        var items = stack[(mark + 1)..].ToArray();
        stack.RemoveRange(mark, stack.Count - mark);
        return items;
    }

    private object? Recall(long index) =>
        memo.TryGetValue(index, out var value) ? value : throw Bad("recalls a value that it did not keep");

    private byte Byte() => Take(1)[0];

    private void Skip(int count) => Take(count);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > bytes.Length - at)
            throw Bad("ends in the middle, or is longer than 16 MiB");
        at += count;
        return bytes.AsSpan(at - count, count);
    }

    /// <summary>A length of 4 or 8 bytes, which must fit what is left.</summary>
    private int Length(int size)
    {
        var length = size == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(Take(4)) : BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
        return length <= (ulong)(bytes.Length - at) ? (int)length : throw Bad("ends in the middle, or is longer than 16 MiB");
    }

    private string Line()
    {
        var end = bytes.AsSpan(at).IndexOf((byte)'\n');
        if (end < 0)
            throw Bad("ends in the middle");
        var line = Latin(bytes.AsSpan(at, end));
        at += end + 1;
        return line;
    }

    /// <summary>A whole number; those beyond 64 bits, the format's magic number for instance, as they are. None has
    /// more than 1000 digits.</summary>
    private object Whole(string text) =>
        text.Length <= 1000 && BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? Fitted(number) : throw Bad("has a number that is none");

    private object Long(int length) =>
        length <= 400 ? Fitted(new BigInteger(Take(length))) : throw Bad("has a number of more than 400 bytes");

    private static object Fitted(BigInteger number)
    {
        object value = number;
        if (number >= long.MinValue && number <= long.MaxValue)
            value = (long)number;
        return value;
    }

    private string Quoted(string line)
    {
        line = line.Trim();
        return line.Length >= 2 && line[0] == line[^1] && line[0] is '\'' or '"' ? line[1..^1] : throw Bad("has a text without quotes");
    }

    private static string Latin(ReadOnlySpan<byte> text) => Encoding.Latin1.GetString(text);

    private static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);

    private CheckpointException Bad(string what) => new(origin, $"is not a file of weights: its pickle {what} (at byte {at}).");
}
