using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Schane.Tensors;

/// <summary>
/// libgomp's own count of turns that its threads spin before they sleep, where it lies in memory. The library reads it before each wait and
/// has no function that sets it, so that it is found by what it was set to before the library loaded, and only where one place holds that.
/// </summary>
internal sealed unsafe class SpinCount
{
    private const uint Load = 1, Writable = 2;                            // of a segment, in an ELF file

    private readonly ulong* place;

    private SpinCount(ulong* place) => this.place = place;

    /// <summary>Turns from the next wait on; 0 sleeps at once.</summary>
    public ulong Turns
    {
        get => Volatile.Read(ref *place);
        set => Volatile.Write(ref *place, value);
    }

    /// <summary>Whether libgomp has been loaded into this process, which is Linux'.</summary>
    public static bool IsLoaded => Variables().Count > 0;

    /// <summary>Where the count lies; null where libgomp is not loaded, or where not one place alone holds the value.</summary>
    /// <param name="turns">What it is known to be.</param>
    public static SpinCount? Find(ulong turns)
    {
        List<nint> found = [];
        foreach (var (from, to) in Variables())
            for (var at = (ulong*)from; at + 1 <= (ulong*)to; at++)
                if (*at == turns)
                    found.Add((nint)at);
        return found is [var only] ? new((ulong*)only) : null;
    }

    /// <summary>Where the variables of each loaded libgomp lie.</summary>
    private static List<(nint From, nint To)> Variables()
    {
        List<(nint From, nint To)> found = [];
        var handle = GCHandle.Alloc(found);
        try
        {
            _ = EachLibrary(&Note, GCHandle.ToIntPtr(handle));
        }
        finally
        {
            handle.Free();
        }
        return found;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Note(Library* library, nuint size, nint found)
    {
        if (Marshal.PtrToStringUTF8((nint)library->Name)?.Contains("/libgomp", StringComparison.Ordinal) != true)
            return 0;
        for (var i = 0; i < library->Segments; i++)
            if (library->Segment[i] is { Type: Load } segment && (segment.Rights & Writable) != 0)
                ((List<(nint, nint)>)GCHandle.FromIntPtr(found).Target!).Add(
                    (library->Address + segment.Offset + 7 & ~7, library->Address + segment.Offset + segment.Bytes));
        return 0;
    }

    [DllImport("libc", EntryPoint = "dl_iterate_phdr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int EachLibrary(delegate* unmanaged[Cdecl]<Library*, nuint, nint, int> told, nint data);

    /// <summary>The beginning of dl_phdr_info.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Library
    {
        public nint Address;
        public byte* Name;
        public SegmentHeader* Segment;
        public ushort Segments;
    }

    /// <summary>Elf64_Phdr.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 56)]
    private struct SegmentHeader
    {
        [FieldOffset(0)]
        public uint Type;
        [FieldOffset(4)]
        public uint Rights;
        [FieldOffset(16)]
        public nint Offset;
        [FieldOffset(40)]
        public nint Bytes;
    }
}
