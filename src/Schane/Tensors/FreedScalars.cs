using System.Runtime.InteropServices;

namespace Schane.Tensors;

/// <summary>Keeps the native halves of freed numbers for a while, since TorchSharp frees some while libtorch reads them.</summary>
/// <remarks>
/// TorchSharp (to 0.107) makes a finalizable object of each number that an operation is given, and holds it no longer than the call takes
/// to begin: a collection meanwhile frees it under libtorch, which then throws ("Expected false to be true") or takes another number. All
/// of them are freed by one function of its native library, whose beginning is replaced, in memory, by a jump to here. Where that function
/// does not look as expected, or memory can't be changed, nothing is done.
/// </remarks>
internal static unsafe class FreedScalars
{
    private const string Function = "THSTorch_dispose_scalar";

    /// <summary>Longer than any operation takes from its call to its last look at its numbers.</summary>
    private const int KeptMilliseconds = 5000;

    private static readonly Queue<(nint Scalar, long Since)> kept = [];
    private static delegate* unmanaged<nint, void> delete;

    /// <summary>Whether they are kept in this process.</summary>
    public static bool AreKept { get; private set; }

    /// <summary>Has them kept from here on; before the first number is freed.</summary>
    /// <param name="library">TorchSharp's native library.</param>
    public static void Keep(nint library)
    {
        if (AreKept || !OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64
            || !NativeLibrary.TryGetExport(library, Function, out var function) || !IsAsExpected((byte*)function)
            || !NativeLibrary.TryLoad("libstdc++.so.6", out var standard)
            || !NativeLibrary.TryGetExport(standard, "_ZdlPv", out var free))     // operator delete(void*)
            return;
        delete = (delegate* unmanaged<nint, void>)free;
        Span<byte> jump = [0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xE0];     // mov rax, address; jmp rax
        BitConverter.TryWriteBytes(jump[2..], (nint)(delegate* unmanaged<nint, void>)&Freed);
        const int read = 1, write = 2, run = 4;
        nint page = Environment.SystemPageSize;
        var from = function / page * page;
        var length = (nuint)((function + jump.Length + page - 1) / page * page - from);
        if (Protect(from, length, read | write | run) != 0)
            return;
        jump.CopyTo(new Span<byte>((void*)function, jump.Length));
        _ = Protect(from, length, read | run);
        AreKept = true;
    }

    /// <summary>Whether it begins by returning where it is given none (test rdi, rdi; je to its end), and is long enough for a
    /// jump.</summary>
    private static bool IsAsExpected(byte* function) =>
        new ReadOnlySpan<byte>(function, 4).SequenceEqual((ReadOnlySpan<byte>)[0x48, 0x85, 0xFF, 0x74]) && function[4] is >= 8 and < 0x80;

    [UnmanagedCallersOnly]
    private static void Freed(nint scalar)
    {
        if (scalar == 0)
            return;
        var now = Environment.TickCount64;
        lock (kept)
        {
            kept.Enqueue((scalar, now));
            while (kept.TryPeek(out var first) && now - first.Since > KeptMilliseconds)
            {
                kept.Dequeue();
                // A symbolic number owns more than itself; nothing here makes any, and one would be left alone.
                if (*(int*)first.Scalar is not (5 or 6 or 7))
                    delete(first.Scalar);
            }
        }
    }

    [DllImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Protect(nint address, nuint length, int protection);
}
