using System.Collections;
using System.Runtime.InteropServices;

namespace SpectralKD.Tests.Native;

public sealed class LoadingPolicyTests
{
    [Fact]
    public void Waiting_threads_sleep_and_large_blocks_take_huge_pages_where_the_user_set_nothing() =>
        Assert.Equal([("OMP_WAIT_POLICY", "PASSIVE"), ("THP_MEM_ALLOC_ENABLE", "1")], LoadingPolicy.Variables(Environment(), 2, 2, linux: true));

    [Theory]
    [InlineData("OMP_WAIT_POLICY", "active")]
    [InlineData("GOMP_SPINCOUNT", "1000")]
    [InlineData("KMP_BLOCKTIME", "200")]
    public void Who_has_said_how_threads_wait_is_left_alone(string name, string value) =>
        Assert.DoesNotContain(LoadingPolicy.Variables(Environment((name, value)), 2, 2, linux: true), variable => variable.Name == "OMP_WAIT_POLICY");

    [Fact]
    public void OpenMP_takes_no_more_threads_than_a_containers_limit_leaves_unless_the_user_counts_them()
    {
        Assert.Contains(("OMP_NUM_THREADS", "2"), LoadingPolicy.Variables(Environment(), processors: 2, allowed: 16, linux: true));
        Assert.DoesNotContain(LoadingPolicy.Variables(Environment(), 16, 16, linux: true), variable => variable.Name == "OMP_NUM_THREADS");
        Assert.DoesNotContain(LoadingPolicy.Variables(Environment(), 2, null, linux: false), variable => variable.Name == "OMP_NUM_THREADS");
        Assert.DoesNotContain(
            LoadingPolicy.Variables(Environment(("OMP_NUM_THREADS", "8")), processors: 2, allowed: 16, linux: true), variable => variable.Name == "OMP_NUM_THREADS");
    }

    [Theory]
    [InlineData("0-1", 2)]
    [InlineData(" 0-3,8", 5)]
    [InlineData("7", 1)]
    [InlineData("?", null)]
    public void Processors_of_a_list_are_counted(string list, int? count) => Assert.Equal(count, LoadingPolicy.Count(list));

    [Theory]
    [InlineData("MALLOC_ARENA_MAX", "2", true)]
    [InlineData("MALLOC_MMAP_THRESHOLD_", "65536", true)]
    [InlineData("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=1", true)]
    [InlineData("GLIBC_TUNABLES", "glibc.rtld.nns=8", false)]
    public void Memory_is_left_to_the_user_who_set_how_it_is_kept(string name, string value, bool users)
    {
        Assert.Equal(users, NativeHeap.IsUsers(Environment((name, value))));
        Assert.Equal(!users, LoadingPolicy.Variables(Environment((name, value)), 2, 2, linux: true).Any(variable => variable.Name == "THP_MEM_ALLOC_ENABLE"));
    }

    [Fact]
    public void After_loading_libtorch_the_process_keeps_blocks_and_its_native_environment_tells_threads_to_sleep()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/lib64/ld-linux-x86-64.so.2"))
        {
            Assert.Skip("skipped: the policy is for Linux with glibc");
        }

        LibTorch.EnsureLoaded();
        var own = System.Environment.GetEnvironmentVariables();
        Assert.Equal(!NativeHeap.IsUsers(own), NativeHeap.KeepsBlocks);
        foreach (var (name, value) in LoadingPolicy.Variables(own, 1, 1, linux: true))
        {
            Assert.Equal(value, Marshal.PtrToStringUTF8(NativeVariable(name)));
        }
    }

    [Theory]
    [InlineData(null, 400, false)]
    [InlineData(400L, 440, false)]
    [InlineData(400L, 480, false)]
    [InlineData(400L, 520, true)]
    public void A_process_is_trimmed_only_where_it_has_grown(long? markMegabytes, long nowMegabytes, bool trimmed) =>
        Assert.Equal(trimmed, NativeHeap.HasGrown(markMegabytes << 20, nowMegabytes << 20));

    private static Hashtable Environment(params (string Name, string Value)[] variables)
    {
        var environment = new Hashtable();
        foreach (var (name, value) in variables)
        {
            environment.Add(name, value);
        }

        return environment;
    }

    [DllImport("libc", EntryPoint = "getenv", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint NativeVariable([MarshalAs(UnmanagedType.LPUTF8Str)] string name);
}
