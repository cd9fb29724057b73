using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Schane.Tensors;

/// <summary>oneDNN, the library inside libtorch that computes convolutions on processors, and what it gets wrong.</summary>
/// <remarks>
/// Up to version 3.7 it takes three levels of cache on an AMD processor for granted. Where they are hidden
/// (<see cref="ProcessorCaches"/>) it plans for caches of one byte: convolutions of many shapes then give wrong values, 1×1
/// ones divide by zero and end the process, and others take up to 1.4 times as long. Later versions guess the sizes, as this one
/// does where it is told that it knows of no level.
/// </remarks>
internal static unsafe class OneDnn
{
    /// <summary>The build of libtorch that the offsets are of: 2.10.0 for Linux and x64, without CUDA.</summary>
    private const string KnownBuild = "e59a73f8ca02c19463bd923dc568ce765b2a1106";
    private const string Exported = "_ZN2at13globalContextEv";                // at::globalContext()
    private const nint ExportedAt = 0x1c784f0, DescriptionAt = 0xf89b1a0; // dnnl::impl::cpu::x64::cpu(), which nothing exports
    private const int Sizes = 7, Levels = 27;                                 // of the 32-bit words of the description

    /// <summary>
    /// Whether its convolutions can't be used here: the caches are hidden, and this build of libtorch is not the one that can be told so.
    /// Decided at the first use, which must come before the first convolution. Tests set it.
    /// </summary>
    public static bool FailsConvolutions { get; internal set; } = ProcessorCaches.Mislead && !GuessesCaches();

    /// <summary>Its description of the processor, made if it isn't yet; null in any other build.</summary>
    internal static uint* Description()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return null;
        var library = NativeLibrary.Load("torch_cpu", typeof(TorchSharp.torch).Assembly, null);
        using var process = Process.GetCurrentProcess();
        foreach (ProcessModule module in process.Modules)
            if (module.ModuleName.Contains("torch_cpu", StringComparison.Ordinal) && BuildOf(module.FileName) == KnownBuild
                && NativeLibrary.TryGetExport(library, Exported, out var exported) && exported == module.BaseAddress + ExportedAt)
                return ((delegate* unmanaged<uint*>)(module.BaseAddress + DescriptionAt))();
        return null;
    }

    /// <summary>Makes this build guess the sizes of caches of which it believes that they have none.</summary>
    /// <returns>Whether it is this build.</returns>
    private static bool GuessesCaches()
    {
        var description = Description();
        if (description == null)
            return false;
        if (new ReadOnlySpan<uint>(description + Sizes, 3).ContainsAnyInRange(0u, 1u))
            description[Levels] = 0;
        return true;
    }

    /// <summary>The build identifier of a 64-bit little-endian ELF file in hexadecimal, null if it has none.</summary>
    internal static string? BuildOf(string path)
    {
        const int noteSegment = 4, buildId = 3;                               // PT_NOTE, NT_GNU_BUILD_ID
        using var file = File.OpenRead(path);
        Span<byte> header = stackalloc byte[64];
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length
            || !header[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
            return null;
        var at = BinaryPrimitives.ReadInt64LittleEndian(header[0x20..]);
        var (size, count) = (BinaryPrimitives.ReadUInt16LittleEndian(header[0x36..]),
            BinaryPrimitives.ReadUInt16LittleEndian(header[0x38..]));
        for (var i = 0; i < count; i++)
        {
            var segment = Bytes(file, at + i * size, size);
            if (BinaryPrimitives.ReadInt32LittleEndian(segment) != noteSegment)
                continue;
            var note = Bytes(file, BinaryPrimitives.ReadInt64LittleEndian(segment.AsSpan(8)),
                BinaryPrimitives.ReadInt64LittleEndian(segment.AsSpan(32)));
            if (note.Length > 16 && BinaryPrimitives.ReadInt32LittleEndian(note.AsSpan(8)) == buildId
                && note.AsSpan(12).StartsWith("GNU\0"u8))
                return Convert.ToHexStringLower(note, 16, BinaryPrimitives.ReadInt32LittleEndian(note.AsSpan(4)));
        }
        return null;
    }

    private static byte[] Bytes(FileStream file, long at, long count)
    {
        var bytes = new byte[count];
        file.Position = at;
        file.ReadExactly(bytes);
        return bytes;
    }
}
