using System.Buffers.Binary;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Text;

namespace Schane.Tensors;

/// <summary>
/// Loads TorchSharp's native library on Linux: also where the system's libstdc++ is older than GCC 13 (Debian 12, Ubuntu 22.04, RHEL 9),
/// and so that it keeps numbers as long as they are used (<see cref="FreedScalars"/>).
/// </summary>
/// <remarks>
/// <c>libLibTorchSharp.so</c> asks for symbol version GLIBCXX_3.4.32, needed by one marker symbol without a relocation that is never
/// called. Only when the runtime has failed to load the library, a copy in memory with that version marked weak (VER_FLG_WEAK, two
/// bytes) is loaded in its place, and nothing is written to disk.
/// </remarks>
internal static class NativeTorch
{
    internal const string VersionThatIsMissing = "GLIBCXX_3.4.32";
    private const string Library = "LibTorchSharp";
    private static readonly string[] dependencies = ["gomp-98b21ff3.so.1", "c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];
    private static readonly Lazy<nint> Handle = new(Load);
    private static readonly Lazy<string[]> packages = new(() => [.. RestoredPackages.Folders(typeof(TorchSharp.torch).Assembly.Location)]);

    /// <summary>Whether the copy in memory had to be loaded in this process.</summary>
    internal static bool Cured { get; private set; }

#pragma warning disable CA2255 // Both must be in place before TorchSharp is first touched, whoever touches it.
    [ModuleInitializer]
    internal static void Register()
    {
        OpenMp.Configure();
        if (!OperatingSystem.IsLinux())
            return;
        // TorchSharp asks for the library by name, and then its imports do.
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => Resolve(name);
        AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => Adopt(loaded.LoadedAssembly);
        foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies())
            Adopt(assembly);
    }
#pragma warning restore CA2255

    /// <summary>Has TorchSharp's imports come here; where a program has had them go elsewhere, they stay there.</summary>
    private static void Adopt(Assembly assembly)
    {
        if (assembly.GetName().Name != "TorchSharp")
            return;
        try
        {
            NativeLibrary.SetDllImportResolver(assembly, (name, _, _) => Resolve(name));
        }
        catch (InvalidOperationException)
        {
            // there is a resolver already
        }
    }

    private static nint Resolve(string name)
    {
        if (Find(Library) is null || Find("torch_cpu") is null)
            return 0;
        return name == Library ? Handle.Value
            : dependencies.Contains(name) && Find(name) is { } path && NativeLibrary.TryLoad(path, out var handle) ? handle : 0;
    }

    private static nint Load()
    {
        // Loaded by path first, so that the copy in memory, which has no folder, finds them by name.
        foreach (var dependency in dependencies)
            if (Find(dependency) is { } path)
                NativeLibrary.TryLoad(path, out _);

        var library = Find(Library)!;
        if (!NativeLibrary.TryLoad(library, out var handle))
            handle = LoadFromMemory(WithoutNewVersion(File.ReadAllBytes(library)), library);
        FreedScalars.Keep(handle);
        return handle;
    }

    /// <summary>The full path of a native library beside the program or in NuGet's packages folder, null if it is in neither.</summary>
    internal static string? Find(string name)
    {
        var file = name.Contains(".so", StringComparison.Ordinal) ? $"lib{name}" : $"lib{name}.so";
        var listed = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
            .Split(':', StringSplitOptions.RemoveEmptyEntries);
        string[] folders = [.. listed, Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"), AppContext.BaseDirectory,
            .. packages.Value];
        return folders.Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);
    }

    /// <summary>The same library with its need of <see cref="VersionThatIsMissing"/> marked weak.</summary>
    /// <exception cref="DllNotFoundException">Not a 64-bit little-endian ELF file, or it has no such need.</exception>
    internal static byte[] WithoutNewVersion(byte[] elf)
    {
        const int versionNeedSection = 0x6ffffffe;                        // SHT_GNU_verneed
        const ushort weak = 0x2;                                          // VER_FLG_WEAK
        var patched = (byte[])elf.Clone();
        ushort U16(long at) => BinaryPrimitives.ReadUInt16LittleEndian(patched.AsSpan((int)at));
        uint U32(long at) => BinaryPrimitives.ReadUInt32LittleEndian(patched.AsSpan((int)at));
        long U64(long at) => (long)BinaryPrimitives.ReadUInt64LittleEndian(patched.AsSpan((int)at));

        if (patched.Length < 64 || !patched.AsSpan(0, 6).SequenceEqual("\u007fELF\u0002\u0001"u8))
            throw new DllNotFoundException(
                "libLibTorchSharp.so is not a 64-bit little-endian ELF file; restore the TorchSharp package again.");

        var sections = U64(0x28);
        var (sectionSize, sectionCount) = (U16(0x3A), U16(0x3C));
        for (var i = 0; i < sectionCount; i++)
        {
            var section = sections + i * sectionSize;
            if (U32(section + 4) != versionNeedSection)
                continue;
            var strings = U64(sections + U32(section + 0x28) * sectionSize + 0x18);
            var need = U64(section + 0x18);                               // Elf64_Verneed: version, count, file, aux, next
            for (var n = U32(section + 0x2C); n > 0; n--, need += U32(need + 12))
            {
                // Elf64_Vernaux: hash u32, flags u16, other u16, name u32, next u32
                var aux = need + U32(need + 8);
                for (var a = U16(need + 2); a > 0; a--, aux += U32(aux + 12))
                {
                    var name = (int)(strings + U32(aux + 8));
                    var length = patched.AsSpan(name).IndexOf((byte)0);
                    if (Encoding.ASCII.GetString(patched, name, length) != VersionThatIsMissing)
                        continue;
                    BinaryPrimitives.WriteUInt16LittleEndian(patched.AsSpan((int)aux + 4), weak);
                    return patched;
                }
            }
        }
        throw new DllNotFoundException(
            $"libLibTorchSharp.so does not load, and not for want of {VersionThatIsMissing}. `schane doctor` shows what the loader says.");
    }

    private static nint LoadFromMemory(byte[] library, string origin)
    {
        var file = MemfdCreate("libLibTorchSharp.so", 1);                 // MFD_CLOEXEC
        if (file < 0)
            throw new DllNotFoundException(
                $"{origin} needs a libstdc++ with {VersionThatIsMissing} (GCC 13), and this kernel gives no memory file to load a copy " +
                "from. Install libstdc++ 13 or later.");
        using var stream = new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(file, ownsHandle: true), FileAccess.Write);
        stream.Write(library);
        stream.Flush();
        try
        {
            var handle = NativeLibrary.Load($"/proc/self/fd/{file}");
            Cured = true;
            return handle;
        }
        catch (DllNotFoundException e)
        {
            throw new DllNotFoundException(
                $"{origin} needs a libstdc++ with {VersionThatIsMissing} (GCC 13), and the copy that does without it did not load " +
                $"either. Install libstdc++ 13 or later. {e.Message}", e);
        }
    }

    [DllImport("libc", EntryPoint = "memfd_create", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int MemfdCreate([MarshalAs(UnmanagedType.LPUTF8Str)] string name, uint flags);
}
