using System.Security.Cryptography;
using static TorchSharp.torch;

namespace Schane.Tensors;

/// <summary>SHA-256 of tensors' bytes, one after the other.</summary>
internal static class TensorHash
{
    public static unsafe string Of(IEnumerable<Tensor> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in tensors)
        {
            using var scope = NewDisposeScope();
            var here = tensor.detach().cpu().contiguous();
            var (bytes, address) = (here.numel() * here.ElementSize, DataPointer.Of(here));
            for (var at = 0L; at < bytes; at += 1 << 30)
                hash.AppendData(new ReadOnlySpan<byte>((void*)(address + (nint)at), (int)Math.Min(1 << 30, bytes - at)));
            GC.KeepAlive(here);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
