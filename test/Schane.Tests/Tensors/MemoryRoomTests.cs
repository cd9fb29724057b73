using Schane.Tensors;
using Schane.Tests.Data;

namespace Schane.Tests.Tensors;

public sealed class MemoryRoomTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_limit_of_a_cgroup_leaves_what_is_not_held_and_what_can_be_dropped()
    {
        folder.Write("g/memory.max", "1000\n"u8.ToArray());
        folder.Write("g/memory.current", "700\n"u8.ToArray());
        folder.Write("g/memory.stat", "anon 500\ninactive_file 150\n"u8.ToArray());
        Assert.Equal(450, MemoryRoom.Room(Path.Combine(folder.Path, "g"), "memory.max", "memory.current", "inactive_file"));
        folder.Write("g/memory.max", "max\n"u8.ToArray());
        Assert.Null(MemoryRoom.Room(Path.Combine(folder.Path, "g"), "memory.max", "memory.current", "inactive_file"));
    }

    [Theory]
    [InlineData("0::/\n", "")]
    [InlineData("0::/user.slice/job.scope\n", "|/user.slice|/user.slice/job.scope")]
    [InlineData("5:cpu:/x\n4:memory:/docker/1\n", "|/docker|/docker/1")]
    public void A_limit_may_stand_at_any_cgroup_above_the_process(string file, string groups) =>
        Assert.Equal(groups, string.Join('|', MemoryRoom.Groups(folder.Write("cgroup", System.Text.Encoding.UTF8.GetBytes(file))).Order(StringComparer.Ordinal)));
}
